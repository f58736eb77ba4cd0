"""PNG and JPEG as tests need them: made, read back, and spoilt.

An image is a list of rows, a row a list of pixels, a pixel a tuple of channels.
"""
import random
import struct
import subprocess
import zlib

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]  # first column, first row, columns between, rows between


def fill(width, height, pixel):
    return [[pixel] * width for _ in range(height)]


def halves(width, height, left, right):
    return [[left] * (width // 2) + [right] * (width - width // 2) for _ in range(height)]


# ---- PNG


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(rows, depth):
    """Rows as PNG has them before compression, each with filter 0; of 8 or 16 bits a channel."""
    code = {8: "B", 16: "H"}[depth]
    lines = []
    for row in rows:
        values = [value for pixel in row for value in pixel]
        lines.append(b"\0" + struct.pack(f">{len(values)}{code}", *values))
    return b"".join(lines)


def png_head(width, height, kind, depth=8, interlaced=False):
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0,
                                                  interlaced))


def png(rows, kind, depth=8, interlaced=False, extra=b""):
    """A PNG; `extra` are chunks before the pixels."""
    passes = [rows]
    if interlaced:
        passes = [[row[left::right] for row in rows[top::down]] for left, top, right, down in ADAM7]
    data = b"".join(packed(part, depth) for part in passes if part and part[0])
    return (png_head(len(rows[0]), len(rows), kind, depth, interlaced) + extra
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND"))


def noisy_png(width, height):
    """RGB that hardly compresses: a body as large as the image."""
    row = b"\0" + random.Random(1).randbytes(3 * width)
    packer = zlib.compressobj(0)
    pieces = [png_head(width, height, RGB)]
    for _ in range(height):
        data = packer.compress(row)
        pieces += [chunk(b"IDAT", data)] if data else []
    return b"".join(pieces + [chunk(b"IDAT", packer.flush()), chunk(b"IEND")])


def png_chunks(data):
    assert data.startswith(SIGNATURE)
    at = len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert data[at:at + 12 + length] == chunk(kind, body)
        yield kind, body
        at += 12 + length


def unfilter(method, line, above, step):
    """A row without its filter, as the standard has them (PNG, 9.2)."""
    out = bytearray()
    for at, value in enumerate(line):
        left = out[at - step] if at >= step else 0
        up = above[at]
        corner = above[at - step] if at >= step else 0
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda value, guess=guess: abs(guess - value))
        out.append((value + (0, left, up, (left + up) // 2, paeth)[method]) & 255)
    return bytes(out)


def read_png(data):
    """The pixels of a PNG of 8 bits, RGB or RGBA, not interlaced: what the plugin makes."""
    parts = list(png_chunks(data))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    assert depth == 8 and kind in (RGB, RGBA) and not interlaced
    step = CHANNELS[kind]
    raw = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    above = bytes(width * step)
    rows = []
    for y in range(height):
        line = raw[y * (width * step + 1):(y + 1) * (width * step + 1)]
        above = unfilter(line[0], line[1:], above, step)
        rows.append([tuple(above[x:x + step]) for x in range(0, width * step, step)])
    return rows


# ---- JPEG


def jpeg(rows, *flags):
    """What cjpeg makes of RGB rows."""
    ppm = b"P6 %d %d 255\n" % (len(rows[0]), len(rows))
    ppm += bytes(value for row in rows for pixel in row for value in pixel)
    return subprocess.run(["cjpeg", *flags], input=ppm, stdout=subprocess.PIPE, check=True).stdout


def read_jpeg(data):
    """The pixels of a JPEG, RGB; any warning of djpeg is an error."""
    done = subprocess.run(["djpeg", "-strict", "-rgb", "-pnm"], input=data, capture_output=True,
                          check=True)
    kind, size, most, pixels = done.stdout.split(b"\n", 3)
    assert (kind, most) == (b"P6", b"255")
    width, height = map(int, size.split())
    assert len(pixels) == width * height * 3
    flat = [tuple(pixels[at:at + 3]) for at in range(0, len(pixels), 3)]
    return [flat[y * width:(y + 1) * width] for y in range(height)]


def segment(data, marker):
    """(first, end) of the segment behind that marker, with the marker."""
    at = 2
    while data[at + 1] != marker:
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return at, at + 2 + int.from_bytes(data[at + 2:at + 4], "big")


SOF0, SOF2, SOS = 0xc0, 0xc2, 0xda


def jpeg_resized(data, width, height, frame=SOF0):
    """The same JPEG, claiming another size."""
    at, _ = segment(data, frame)
    return data[:at + 5] + struct.pack(">HH", height, width) + data[at + 9:]


def with_application_data(image, data):
    """The same JPEG with a segment that is nobody's."""
    return image[:2] + b"\xff\xe5" + struct.pack(">H", len(data) + 2) + data + image[2:]


def flat_jpeg(width, height):
    """Grey 128 of any size, without the time that an encoder takes: in the standard's tables each
    block is the same six bits, 00 (no difference) and 1010 (end of block)."""
    small = jpeg(fill(8, 8, (128, 128, 128)), "-grayscale")
    _, start = segment(small, SOS)
    blocks = -(-width // 8) * -(-height // 8)
    pattern = bytes.fromhex("28a28a")  # four blocks
    whole, rest = divmod(blocks, 4)
    bits = "001010" * rest
    bits += "1" * (-len(bits) % 8)
    tail = int(bits or "0", 2).to_bytes(len(bits) // 8, "big")
    return jpeg_resized(small[:start], width, height) + pattern * whole + tail + b"\xff\xd9"


def cmyk_jpeg():
    """The head of a JPEG with four colours, which is enough to be refused."""
    grey = jpeg(fill(8, 8, (128, 128, 128)), "-grayscale")
    frame, frame_end = segment(grey, SOF0)
    scan, _ = segment(grey, SOS)
    numbers = range(1, 5)
    sof = b"\xff\xc0" + struct.pack(">HBHHB", 20, 8, 8, 8, 4)
    sof += b"".join(bytes([number, 0x11, 0]) for number in numbers)
    sos = b"\xff\xda" + struct.pack(">HB", 14, 4)
    sos += b"".join(bytes([number, 0]) for number in numbers) + bytes([0, 63, 0])
    return grey[:frame] + sof + grey[frame_end:scan] + sos
