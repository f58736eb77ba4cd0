"""plugins-examples/thumbnail behind plugd, as its README says."""
import os
import zlib

import pytest

from images import (GREY, GREY_ALPHA, PALETTE, RGB, RGBA, SIGNATURE, SOF2, chunk, cmyk_jpeg, fill,
                    flat_jpeg, halves, jpeg, jpeg_resized, noisy_png, png, png_head, read_jpeg,
                    read_png, with_application_data)
from plugd import SANITIZERS, STRICT, plugin, process_field, route, wait_until

THUMBNAIL = os.path.join(os.environ["EXAMPLE_DIR"], "thumbnail/thumbnail")
ROOM = 24 << 20  # for windows, allocators and sanitizers

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def configuration(**settings):
    """Small images go to the plugin as they come, too."""
    return {"plugins": [plugin("thumbnail", executable=THUMBNAIL, env=SANITIZERS,
                               retry={"buffer": 0}, sandbox=STRICT, **settings)],
            "routes": [route("/thumbnail", "thumbnail", method="POST", body_limit="256MiB")]}


@pytest.fixture(name="start_thumbnail")
def start_thumbnail_fixture(hosts):
    """A host of its own for a test."""
    def start_thumbnail(**settings):
        return hosts(**configuration(**settings)).start()
    return start_thumbnail


@pytest.fixture(name="host", scope="module")
def host_fixture(shared_hosts):
    """One plugin for all tests of this file, which therefore survives every one of them, and
    forgets nothing that it has allocated: LeakSanitizer looks when it ends."""
    host = shared_hosts(**configuration()).start()
    yield host
    host.stop()
    assert host.log("instance.died") == []
    said = [record["msg"] for record in host.log("plugin.log") + host.log("plugin.stderr")]
    assert said == []


def post(host, image, query="?size=8"):
    return host.http("POST", "/thumbnail" + query, image)


def thumbnail(host, image, query="?size=8"):
    """The pixels of the answer."""
    response = post(host, image, query)
    assert response.status == 200, response
    read = {"image/png": read_png, "image/jpeg": read_jpeg}[response.header("content-type")]
    return read(response.body)


def size_of(rows):
    return len(rows[0]), len(rows)


def reason(host, image, status=400):
    """What the plugin says against an image; after it the next one is served."""
    response = post(host, image)
    assert (response.status, response.header("content-type")) == (
        status, "text/plain; charset=utf-8"), response
    assert thumbnail(host, png([[RED]], RGB)) == [[RED]]
    return response.body.decode().removesuffix("\n")


def assert_near(pixel, want, by=12):
    assert all(abs(a - b) <= by for a, b in zip(pixel, want, strict=True)), (pixel, want)


# ---- PNG of every kind


def test_shrinks_a_png_to_the_means(host):
    assert thumbnail(host, png(halves(64, 32, RED, BLUE), RGB)) == halves(8, 4, RED, BLUE)
    checkers = [[(0, 100, 255) if (x + y) % 2 else (100, 100, 0) for x in range(16)]
                for y in range(16)]
    assert thumbnail(host, png(checkers, RGB)) == fill(8, 8, (50, 100, 128))


@pytest.mark.parametrize("size,want", [
    ((64, 32), (8, 4)), ((32, 64), (4, 8)), ((9, 9), (8, 8)), ((8, 8), (8, 8)), ((5, 3), (5, 3)),
    ((1, 1), (1, 1)), ((1000, 1), (8, 1)), ((1, 1000), (1, 8)), ((100, 37), (8, 3))])
def test_fits_into_the_size_and_never_grows(host, size, want):
    assert thumbnail(host, png(fill(*size, GREEN), RGB)) == fill(*want, GREEN)


def test_the_size_is_128_unless_it_is_said(host):
    image = png(fill(300, 150, RED), RGB)
    assert size_of(thumbnail(host, image, "")) == (128, 64)
    assert size_of(thumbnail(host, image, "?size=1")) == (1, 1)
    assert size_of(thumbnail(host, image, "?size=1024")) == (300, 150)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind,depth,pixel,extra,want", [
    (RGB, 8, (1, 2, 3), b"", (1, 2, 3)),
    (RGB, 16, (0x1111, 0x8080, 0xffff), b"", (0x11, 0x80, 0xff)),
    (RGBA, 8, (9, 8, 7, 60), b"", (9, 8, 7, 60)),
    (RGBA, 16, (0x0909, 0x0808, 0x0707, 0x6060), b"", (9, 8, 7, 0x60)),
    (GREY, 8, (77,), b"", (77, 77, 77)),
    (GREY, 16, (0x7777,), b"", (0x77, 0x77, 0x77)),
    (GREY, 8, (77,), chunk(b"tRNS", b"\0\x4d"), (0, 0, 0, 0)),
    (GREY_ALPHA, 8, (77, 128), b"", (77, 77, 77, 128)),
    (PALETTE, 8, (1,), chunk(b"PLTE", bytes([1, 1, 1, 9, 8, 7])), (9, 8, 7)),
    (PALETTE, 8, (1,), chunk(b"PLTE", bytes(3) + bytes([9, 8, 7])) + chunk(b"tRNS", b"\0\x40"),
     (9, 8, 7, 0x40)),
])
def test_every_kind_of_png(host, kind, depth, pixel, extra, want, interlaced):
    image = png(fill(20, 10, pixel), kind, depth, interlaced, extra)
    assert thumbnail(host, image) == fill(8, 4, want)


def test_an_interlaced_png_has_its_pixels_where_they_belong(host):
    rows = [[(x * 10, y * 10, (x * y) % 256) for x in range(21)] for y in range(13)]
    assert thumbnail(host, png(rows, RGB, interlaced=True), "?size=64") == rows
    for size in ((1, 1), (5, 1), (1, 5), (4, 4)):
        image = png(fill(*size, RED), RGB, interlaced=True)
        assert thumbnail(host, image) == fill(*size, RED)


def test_what_is_transparent_gives_no_colour(host):
    rows = [[(200, 100, 50, 255), (0, 255, 0, 0)] * 8 for _ in range(16)]
    assert thumbnail(host, png(rows, RGBA)) == fill(8, 8, (200, 100, 50, 128))


def test_what_follows_the_image_is_ignored(host):
    assert thumbnail(host, png([[RED]], RGB) + b"more" * 100_000) == [[RED]]
    image = jpeg(fill(8, 8, RED)) + b"more" * 100_000
    assert size_of(thumbnail(host, image)) == (8, 8)


# ---- JPEG


@pytest.mark.parametrize("flags", [[], ["-progressive"], ["-restart", "1"], ["-sample", "1x1"]],
                         ids="_".join)
def test_shrinks_a_jpeg(host, flags):
    rows = thumbnail(host, jpeg(halves(320, 160, RED, BLUE), *flags), "?size=64")
    assert size_of(rows) == (64, 32)
    for row in rows:
        assert_near(row[8], RED)
        assert_near(row[-8], BLUE)


@pytest.mark.parametrize("size,want", [
    ((64, 32), (8, 4)), ((9, 9), (8, 8)), ((5, 3), (5, 3)), ((1, 1), (1, 1)), ((1000, 1), (8, 1)),
    ((1, 1000), (1, 8)), ((127, 63), (8, 4))])
def test_a_jpeg_fits_into_the_size_and_never_grows(host, size, want):
    rows = thumbnail(host, jpeg(fill(*size, (200, 100, 50))))
    assert size_of(rows) == want
    for row in rows:
        for pixel in row:
            assert_near(pixel, (200, 100, 50))


def test_a_grey_jpeg_stays_grey(host):
    image = jpeg(halves(64, 64, (40, 40, 40), (200, 200, 200)), "-grayscale")
    rows = thumbnail(host, image)
    assert_near(rows[4][1], (40, 40, 40))
    assert_near(rows[4][6], (200, 200, 200))


def test_application_data_is_skipped(host):
    image = jpeg(halves(64, 32, RED, BLUE))
    for _ in range(20):
        image = with_application_data(image, b"\xff\xd9" * 32_000)
    assert post(host, image).body == post(host, jpeg(halves(64, 32, RED, BLUE))).body


# ---- pieces


@pytest.mark.parametrize("image", [
    png(halves(16, 8, RED, BLUE), RGB), png(halves(16, 8, RED, BLUE), RGB, interlaced=True),
    jpeg(halves(16, 8, RED, BLUE)), jpeg(halves(16, 8, RED, BLUE), "-progressive"),
    with_application_data(jpeg(halves(16, 8, RED, BLUE)), bytes(500)),
], ids=["png", "interlaced", "jpeg", "progressive", "application"])
def test_it_does_not_matter_how_the_body_is_cut(host, image):
    whole = post(host, image).body
    for step in (1, 2, 7):
        pieces = [image[at:at + step] for at in range(0, len(image), step)]
        with host.connect() as client:
            client.send(b"POST /thumbnail?size=8 HTTP/1.1\r\nHost: test\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
            for piece in pieces:
                client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            response = client.send(b"0\r\n\r\n").read()
        assert (response.status, response.body) == (200, whole)


# ---- what is no image


@pytest.mark.parametrize("query", ["?size=0", "?size=1025", "?size=-1", "?size=", "?size=1x",
                                   "?size=%201", "?size=99999999999999999999", "?size=1.5"])
def test_a_bad_size_is_refused(host, query):
    response = post(host, png([[RED]], RGB), query)
    assert (response.status, response.body) == (400, b"size is a whole number from 1 to 1024\n")


def test_what_is_no_image_is_not_supported(host):
    for body in (b"just a text\n" * 10_000, b"GIF89a", b"\x89", b"\xff\xd8", b"\xff\xd8\0"):
        assert reason(host, body, 415) == "the body is neither a PNG nor a JPEG"
    assert reason(host, b"") == "the body is empty"


def test_a_jpeg_in_cmyk_is_not_supported(host):
    assert reason(host, cmyk_jpeg(), 415) == "a JPEG in CMYK is not supported"


def test_a_corrupt_png_is_refused_wherever_it_is_corrupt(host):
    rows = [[(x, y, x ^ y) for x in range(40)] for y in range(30)]
    for interlaced in (False, True):
        image = png(rows, RGB, interlaced=interlaced)
        for at in [*range(4, 60, 5), len(image) // 2, len(image) - 17]:
            spoilt = image[:at] + bytes([image[at] ^ 0x55]) + image[at + 1:]
            assert reason(host, spoilt).startswith("the PNG is broken: "), at


def test_says_what_libpng_says(host):
    image = png([[RED]], RGB)
    assert reason(host, image[:29] + bytes(4) + image[33:]) == (
        "the PNG is broken: IHDR: CRC error")
    assert reason(host, SIGNATURE[:3] + b"X" + image[4:]) == "the PNG is broken: Not a PNG file"


def test_a_png_whose_pixels_are_not_those_that_were_compressed_is_refused(host):
    pixels = bytearray(zlib.compress(b"\0" + bytes(30)))
    pixels[-1] ^= 1  # the checksum of zlib; the one of the chunk is right
    image = png_head(10, 1, RGB) + chunk(b"IDAT", pixels) + chunk(b"IEND")
    assert reason(host, image).startswith("the PNG is broken: ")


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_with_fewer_rows_than_it_says_is_refused(host, interlaced):
    rows = zlib.compress(b"".join(b"\0" + bytes(30) for _ in range(9)))
    image = png_head(10, 10, RGB, interlaced=interlaced) + chunk(b"IDAT", rows) + chunk(b"IEND")
    assert reason(host, image).startswith("the PNG is broken: ")


def test_a_corrupt_jpeg_is_refused_with_libjpegs_reason(host):
    image = jpeg([[(x * 4, y * 4, x ^ y) for x in range(60)] for y in range(60)])
    tables = image.index(b"\xff\xc4")
    assert "Bogus Huffman table" in reason(host, image[:tables + 5] + b"\xff" * 16
                                           + image[tables + 21:])
    frame = image.index(b"\xff\xc0")
    assert "Unsupported JPEG data precision 9" in reason(
        host, image[:frame + 4] + b"\x09" + image[frame + 5:])
    middle = len(image) * 3 // 4
    assert reason(host, image[:middle] + b"\xff\xd9" + image[middle + 2:]).startswith(
        "the JPEG is broken: ")
    assert "Empty JPEG image" in reason(host, jpeg_resized(image, 0, 60))


@pytest.mark.parametrize("image,name", [
    (png(halves(64, 32, RED, BLUE), RGB), "PNG"),
    (png(halves(64, 32, RED, BLUE), RGB, interlaced=True), "PNG"),
    (jpeg(halves(64, 32, RED, BLUE)), "JPEG"),
    (jpeg(halves(64, 32, RED, BLUE), "-progressive"), "JPEG"),
], ids=["png", "interlaced", "jpeg", "progressive"])
def test_a_truncated_image_is_refused_wherever_it_ends(host, image, name):
    for end in [3, 4, 8, 20, 40, len(image) // 2, len(image) - 5, len(image) - 1]:
        assert reason(host, image[:end]) == f"the {name} is broken: it ends too early", end


# ---- limits


def test_the_longest_sides_are_taken(host):
    line = zlib.compress(b"\0" + bytes(30000 * 3))
    image = png_head(30000, 1, RGB) + chunk(b"IDAT", line) + chunk(b"IEND")
    assert thumbnail(host, image) == fill(8, 1, (0, 0, 0))
    assert size_of(thumbnail(host, flat_jpeg(1, 30000))) == (1, 8)


@pytest.mark.parametrize("size,why", [
    ((30001, 1), "the image is 30001 pixels wide, 30000 at most"),
    ((1, 30001), "the image is 30001 pixels high, 30000 at most")])
def test_a_longer_side_is_too_large(host, size, why):
    idat = chunk(b"IDAT", zlib.compress(bytes(1000)))
    assert reason(host, png_head(*size, RGB) + idat, 413) == why
    assert reason(host, flat_jpeg(*size), 413) == why


def test_a_png_that_claims_the_world_costs_nothing(host):
    idat = chunk(b"IDAT", zlib.compress(bytes(1000)))
    assert reason(host, png_head(2**31 - 1, 2**31 - 1, RGBA, 16) + idat, 413) == (
        "the image is 2147483647 pixels wide, 30000 at most")


def test_an_image_that_must_be_kept_whole_has_fewer_pixels(host):
    why = ("an interlaced or progressive image has 16777216 pixels at most, "
           "this one has 4097 x 4096")
    idat = chunk(b"IDAT", zlib.compress(bytes(1000)))
    assert reason(host, png_head(4097, 4096, RGB, interlaced=True) + idat, 413) == why
    image = jpeg(fill(8, 8, RED), "-progressive")
    assert reason(host, jpeg_resized(image, 4097, 4096, SOF2), 413) == why
    assert "too early" in reason(host, png_head(4096, 4096, RGB, interlaced=True) + idat)


def test_a_jpeg_of_too_many_scans_is_too_large(host, tmp_path):
    script = tmp_path / "scans"
    script.write_text("0: 0-0, 0, 0; 0: 1-63, 0, 0;")
    image = jpeg(fill(8, 8, (128, 128, 128)), "-grayscale", "-scans", str(script))
    last = image.rindex(b"\xff\xda")
    start, scan, end = image[:last], image[last:-2], image[-2:]
    assert size_of(thumbnail(host, start + scan * 99 + end)) == (8, 8)
    assert reason(host, start + scan * 100 + end, 413) == "the JPEG has too many scans"


# ---- memory


def peak_of(host):
    return int(process_field(host.pid("thumbnail"), "VmHWM").split()[0]) * 1024


def test_a_large_png_streams(start_thumbnail):
    host = start_thumbnail()
    before = peak_of(host)
    image = noisy_png(6000, 4000)
    assert len(image) > 6000 * 4000 * 3
    rows = thumbnail(host, image, "?size=128")
    assert size_of(rows) == (128, 85)
    assert peak_of(host) < before + ROOM


def test_a_large_jpeg_streams(start_thumbnail):
    host = start_thumbnail()
    before = peak_of(host)
    rows = thumbnail(host, flat_jpeg(12000, 9000), "?size=16")  # 324 MB of pixels
    assert rows == fill(16, 12, (128, 128, 128))
    assert peak_of(host) < before + ROOM


def test_chunks_that_are_no_pixels_are_not_kept(start_thumbnail):
    host = start_thumbnail()
    before = peak_of(host)
    text = chunk(b"tEXt", b"Comment\0" + b"x" * (1 << 20))
    packed = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * (7 << 20)))
    image = png([[RED]], RGB, extra=text * 60 + packed * 60)
    assert thumbnail(host, image) == [[RED]]
    assert peak_of(host) < before + ROOM


# ---- who is harmed


def test_a_client_that_leaves_ends_its_request_alone(host):
    image = png(fill(64, 64, RED), RGB)
    client = host.connect()
    client.send(b"POST /thumbnail HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n"
                % len(image) + image[:-30])
    wait_until(lambda: host.plugin("thumbnail")["calls_running"] == 1, "the request runs")
    client.close()
    assert host.wait_log("http.request", outcome="CANCELLED")
    assert thumbnail(host, image) == fill(8, 8, RED)


def test_a_slow_client_keeps_nobody_waiting(host):
    image = png(fill(64, 64, RED), RGB)
    with host.connect() as slow:
        slow.send(b"POST /thumbnail?size=8 HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n"
                  % len(image) + image[:50])
        for _ in range(5):
            assert thumbnail(host, image) == fill(8, 8, RED)
        assert read_png(slow.send(image[50:]).read().body) == fill(8, 8, RED)


def test_a_killed_instance_costs_its_own_request_only(start_thumbnail):
    host = start_thumbnail(instances=2)
    image = jpeg(fill(64, 64, RED))
    with host.connect() as client:
        client.send(b"POST /thumbnail HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n"
                    % len(image) + image[:-10])
        busy = wait_until(lambda: [row for row in host.instances("thumbnail")
                                   if row["calls_live"]], "an instance has the request")
        os.kill(busy[0]["pid"], 9)
        assert client.read().error() == (502, "PLUGIN_GONE")
    for _ in range(4):
        assert size_of(thumbnail(host, image)) == (8, 8)
    host.wait_ready("thumbnail", 3)
    assert size_of(thumbnail(host, image)) == (8, 8)
