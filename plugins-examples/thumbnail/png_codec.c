/* PNG by libpng's progressive reader, which calls back with each row as soon as its bytes are
 * there: nothing but one row and the thumbnail is kept. An interlaced image comes in seven passes
 * and is collected whole, up to the limit of extent_check().
 *
 * Whatever fails in libpng or in a callback goes through on_error(): it tells the fault and jumps
 * back to png_feed() or png_open(). Everything hangs off the decoder, so that nothing is lost by
 * the jump; after it only png_close() comes. */
#include "png_codec.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#define ADAM7_PASSES 7

struct png_decoder {
	png_structp png;
	png_infop info;
	uint32_t side;
	struct fault *fault;
	struct extent extent;
	struct shrink *shrink;
	size_t row_bytes;
	uint8_t *whole; /* all rows of an interlaced image; NULL for any other */
	bool ended;
};

static void on_error(png_structp png, png_const_charp text)
{
	struct png_decoder *decoder = png_get_error_ptr(png);

	fault_tell(decoder->fault, FAULT_BROKEN, "the PNG is broken: %s", text);
	png_longjmp(png, 1);
}

/* What harms a pixel is an error. The rest is nobody's business here. */
static void on_warning(png_structp png, png_const_charp text)
{
}

static void no_memory(struct png_decoder *decoder)
{
	fault_tell(decoder->fault, FAULT_NO_MEMORY, "no memory for the image");
	png_error(decoder->png, decoder->fault->text);
}

/* Every kind of PNG becomes RGB or RGBA of 8 bits. */
static void rows_set_up(png_structp png, png_infop info)
{
	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
}

static void on_info(png_structp png, png_infop info)
{
	struct png_decoder *decoder = png_get_progressive_ptr(png);
	bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;

	decoder->extent =
		(struct extent){png_get_image_width(png, info), png_get_image_height(png, info)};
	if (!extent_check(decoder->extent, interlaced, decoder->fault))
		png_error(png, decoder->fault->text);
	rows_set_up(png, info);
	decoder->row_bytes = png_get_rowbytes(png, info);
	decoder->shrink = shrink_new(decoder->extent, extent_fit(decoder->extent, decoder->side),
				     png_get_channels(png, info));
	if (!decoder->shrink)
		no_memory(decoder);
	if (!interlaced)
		return;
	decoder->whole = calloc(decoder->extent.height, decoder->row_bytes);
	if (!decoder->whole)
		no_memory(decoder);
}

/* `row` is NULL when this pass has nothing for it. */
static void on_row(png_structp png, png_bytep row, png_uint_32 number, int pass)
{
	struct png_decoder *decoder = png_get_progressive_ptr(png);

	if (!row)
		return;
	if (decoder->whole)
		png_progressive_combine_row(png, decoder->whole + decoder->row_bytes * number, row);
	else
		shrink_row(decoder->shrink, row);
}

static void on_end(png_structp png, png_infop info)
{
	struct png_decoder *decoder = png_get_progressive_ptr(png);

	decoder->ended = true;
	/* The compressed data may end before the last pass, and libpng leaves it at that. */
	if (!decoder->whole || png_get_current_pass_number(png) < ADAM7_PASSES)
		return;
	for (uint32_t y = 0; y < decoder->extent.height; y++)
		shrink_row(decoder->shrink, decoder->whole + decoder->row_bytes * y);
}

static void png_close(void *state)
{
	struct png_decoder *decoder = state;

	png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
	shrink_free(decoder->shrink);
	free(decoder->whole);
	free(decoder);
}

static bool reader_set_up(struct png_decoder *decoder)
{
	/* They change no pixel, and libpng would collect them: a thousand of 8 MB each. */
	static const png_byte exif[] = "eXIf";
	png_structp png = decoder->png;

	if (setjmp(png_jmpbuf(png)))
		return false;
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, exif, 1);
	/* The limits are extent_check()'s, which says what they are. */
	png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	png_set_progressive_read_fn(png, decoder, on_info, on_row, on_end);
	return true;
}

static void *png_open(uint32_t side, struct fault *fault)
{
	struct png_decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder) {
		decoder->side = side;
		decoder->fault = fault;
		decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error,
						      on_warning);
		if (decoder->png)
			decoder->info = png_create_info_struct(decoder->png);
		if (decoder->info && reader_set_up(decoder))
			return decoder;
		png_close(decoder);
	}
	fault->kind = FAULT_NONE;
	fault_tell(fault, FAULT_NO_MEMORY, "no memory for a decoder");
	return NULL;
}

static bool png_feed(void *state, const void *data, size_t len)
{
	struct png_decoder *decoder = state;

	if (decoder->ended)
		return true;
	if (setjmp(png_jmpbuf(decoder->png)))
		return false;
	/* libpng reads what its signature calls writable. */
	png_process_data(decoder->png, decoder->info, (png_bytep)data, len);
	return true;
}

static const struct picture *png_finish(void *state)
{
	struct png_decoder *decoder = state;
	const struct picture *picture = decoder->ended ? shrink_picture(decoder->shrink) : NULL;

	if (!picture)
		fault_tell(decoder->fault, FAULT_BROKEN, "the PNG is broken: it ends too early");
	return picture;
}

static bool png_encode(const struct picture *picture, struct encoded *encoded_out,
		       struct fault *fault)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = picture->extent.width,
		.height = picture->extent.height,
		.format = picture->channels == 4 ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB,
	};
	png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(image);
	void *data = malloc(len);

	if (!data || !png_image_write_to_memory(&image, data, &len, 0, picture->pixels, 0, NULL)) {
		fault_tell(fault, FAULT_NO_MEMORY, "no memory for the thumbnail: %s",
			   image.message);
		free(data);
		return false;
	}
	*encoded_out = (struct encoded){data, len};
	return true;
}

const struct codec png_codec = {
	.content_type = "image/png",
	.signature = "\x89PN",
	.open = png_open,
	.feed = png_feed,
	.finish = png_finish,
	.close = png_close,
	.encode = png_encode,
};
