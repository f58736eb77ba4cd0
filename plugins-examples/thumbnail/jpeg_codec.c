/* JPEG by libjpeg with a source that suspends: when the bytes that are there don't reach for the
 * next step, libjpeg goes back to where it began and returns; the step is tried again with the next
 * piece. Kept between two pieces is only what no step has consumed: part of a row of blocks, or of
 * a marker. A progressive image is collected by libjpeg, up to the limit of extent_check().
 *
 *	HEADER --> START --> ROWS --> TRAILER --> DONE		each may sleep for want of bytes
 *
 * libjpeg scales by eighths while it decodes, which costs less than decoding all pixels; shrink
 * does the rest.
 *
 * Whatever fails goes through on_error(): it tells the fault and jumps back to jpeg_feed().
 * Everything hangs off the decoder, so that nothing is lost by the jump; after it only
 * jpeg_close() comes. */
#include "jpeg_codec.h"

#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define SCANS_MAX 100 /* a scan of a few bytes costs a pass over all pixels */
#define QUALITY	  85

enum stage { STAGE_HEADER, STAGE_START, STAGE_ROWS, STAGE_TRAILER, STAGE_DONE };

/* Where the errors of a libjpeg object go. */
struct jpeg_errors {
	struct jpeg_error_mgr base; /* first: libjpeg's pointer to it is one to us */
	struct fault *fault;
	jmp_buf back;
};

struct jpeg_decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_errors errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	uint32_t side;
	enum stage stage;
	size_t skip;   /* bytes that libjpeg doesn't want to see and that did not come yet */
	uint8_t *held; /* bytes that came and that no step consumed */
	size_t held_len;
	struct shrink *shrink;
	uint8_t *row;
};

static void on_error(j_common_ptr jpeg)
{
	struct jpeg_errors *errors = (struct jpeg_errors *)jpeg->err;
	char text[JMSG_LENGTH_MAX];

	errors->base.format_message(jpeg, text);
	if (errors->base.msg_code == JERR_OUT_OF_MEMORY)
		fault_tell(errors->fault, FAULT_NO_MEMORY, "no memory for the image");
	else if (errors->base.msg_code == JERR_IMAGE_TOO_BIG)
		fault_tell(errors->fault, FAULT_TOO_LARGE, "the JPEG is too large: %s", text);
	else
		fault_tell(errors->fault, FAULT_BROKEN, "the JPEG is broken: %s", text);
	longjmp(errors->back, 1);
}

/* A warning (below 0) means that pixels are guessed; the rest are traces. */
static void on_message(j_common_ptr jpeg, int level)
{
	if (level < 0)
		on_error(jpeg);
}

static struct jpeg_error_mgr *errors_init(struct jpeg_errors *errors, struct fault *fault)
{
	jpeg_std_error(&errors->base);
	errors->base.error_exit = on_error;
	errors->base.emit_message = on_message;
	errors->fault = fault;
	return &errors->base;
}

/* Says so in the fault, and leaves the step. */
static void refuse(struct jpeg_decoder *decoder, enum fault_kind kind, const char *text)
{
	fault_tell(decoder->errors.fault, kind, "%s", text);
	longjmp(decoder->errors.back, 1);
}

/* ---- the source */

static void source_nothing(j_decompress_ptr jpeg)
{
}

/* No more bytes now: suspend. */
static boolean source_fill(j_decompress_ptr jpeg)
{
	return FALSE;
}

static void source_skip(j_decompress_ptr jpeg, long count)
{
	struct jpeg_decoder *decoder = jpeg->client_data;
	size_t wanted = count > 0 ? (size_t)count : 0;
	size_t here = wanted < jpeg->src->bytes_in_buffer ? wanted : jpeg->src->bytes_in_buffer;

	jpeg->src->next_input_byte += here;
	jpeg->src->bytes_in_buffer -= here;
	decoder->skip = wanted - here;
}

/* The piece goes behind what is held, but for what is to be skipped. */
static bool source_push(struct jpeg_decoder *decoder, const uint8_t *data, size_t len)
{
	size_t skip = decoder->skip < len ? decoder->skip : len;
	uint8_t *held;

	decoder->skip -= skip;
	if (len == skip)
		return true;
	held = realloc(decoder->held, decoder->held_len + len - skip);
	if (!held)
		return false;
	memcpy(held + decoder->held_len, data + skip, len - skip);
	decoder->held = held;
	decoder->held_len += len - skip;
	return true;
}

/* Only what was not consumed is held on. */
static void source_keep(struct jpeg_decoder *decoder)
{
	decoder->held_len = decoder->source.bytes_in_buffer;
	if (decoder->held_len > 0)
		memmove(decoder->held, decoder->source.next_input_byte, decoder->held_len);
}

/* ---- the steps: each returns whether it is done; otherwise it waits for bytes */

static void on_progress(j_common_ptr common)
{
	struct jpeg_decoder *decoder = common->client_data;

	if (decoder->jpeg.input_scan_number > SCANS_MAX)
		refuse(decoder, FAULT_TOO_LARGE, "the JPEG has too many scans");
}

/* The fewest eighths that still give as many pixels as the thumbnail has. */
static void scale_choose(struct jpeg_decompress_struct *jpeg, struct extent to)
{
	jpeg->scale_denom = 8;
	for (jpeg->scale_num = 1; jpeg->scale_num < 8; jpeg->scale_num *= 2) {
		jpeg_calc_output_dimensions(jpeg);
		if (jpeg->output_width >= to.width && jpeg->output_height >= to.height)
			return;
	}
	jpeg_calc_output_dimensions(jpeg);
}

/* Makes room for an image that is acceptable. */
static void image_accept(struct jpeg_decoder *decoder)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
	const struct extent image = {jpeg->image_width, jpeg->image_height};
	const struct extent to = extent_fit(image, decoder->side);

	if (!extent_check(image, jpeg_has_multiple_scans(jpeg), decoder->errors.fault))
		longjmp(decoder->errors.back, 1);
	if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
		refuse(decoder, FAULT_UNSUPPORTED, "a JPEG in CMYK is not supported");
	jpeg->out_color_space = JCS_RGB;
	scale_choose(jpeg, to);
	decoder->shrink =
		shrink_new((struct extent){jpeg->output_width, jpeg->output_height}, to, 3);
	decoder->row = malloc((size_t)jpeg->output_width * 3);
	if (!decoder->shrink || !decoder->row)
		refuse(decoder, FAULT_NO_MEMORY, "no memory for the image");
}

static bool step_header(struct jpeg_decoder *decoder)
{
	if (jpeg_read_header(&decoder->jpeg, TRUE) == JPEG_SUSPENDED)
		return false;
	image_accept(decoder);
	return true;
}

static bool step_rows(struct jpeg_decoder *decoder)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

	while (jpeg->output_scanline < jpeg->output_height) {
		if (jpeg_read_scanlines(jpeg, &decoder->row, 1) == 0)
			return false;
		shrink_row(decoder->shrink, decoder->row);
	}
	return true;
}

static bool step(struct jpeg_decoder *decoder)
{
	switch (decoder->stage) {
	case STAGE_HEADER:
		return step_header(decoder);
	case STAGE_START:
		return jpeg_start_decompress(&decoder->jpeg);
	case STAGE_ROWS:
		return step_rows(decoder);
	case STAGE_TRAILER:
		return jpeg_finish_decompress(&decoder->jpeg);
	case STAGE_DONE:
		return false;
	}
	return false;
}

/* ---- the decoder */

static void jpeg_close(void *state)
{
	struct jpeg_decoder *decoder = state;

	jpeg_destroy_decompress(&decoder->jpeg);
	shrink_free(decoder->shrink);
	free(decoder->row);
	free(decoder->held);
	free(decoder);
}

static bool reader_set_up(struct jpeg_decoder *decoder, struct fault *fault)
{
	decoder->jpeg.err = errors_init(&decoder->errors, fault);
	if (setjmp(decoder->errors.back))
		return false;
	jpeg_create_decompress(&decoder->jpeg);
	decoder->source = (struct jpeg_source_mgr){
		.init_source = source_nothing,
		.fill_input_buffer = source_fill,
		.skip_input_data = source_skip,
		.resync_to_restart = jpeg_resync_to_restart,
		.term_source = source_nothing,
	};
	decoder->progress.progress_monitor = on_progress;
	decoder->jpeg.src = &decoder->source;
	decoder->jpeg.progress = &decoder->progress;
	decoder->jpeg.client_data = decoder;
	return true;
}

static void *jpeg_open(uint32_t side, struct fault *fault)
{
	struct jpeg_decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder) {
		fault_tell(fault, FAULT_NO_MEMORY, "no memory for a decoder");
		return NULL;
	}
	decoder->side = side;
	if (reader_set_up(decoder, fault))
		return decoder;
	jpeg_close(decoder);
	return NULL;
}

static bool jpeg_feed(void *state, const void *data, size_t len)
{
	struct jpeg_decoder *decoder = state;

	if (decoder->stage == STAGE_DONE)
		return true;
	if (setjmp(decoder->errors.back))
		return false;
	if (!source_push(decoder, data, len))
		refuse(decoder, FAULT_NO_MEMORY, "no memory for the image");
	decoder->source.next_input_byte = decoder->held;
	decoder->source.bytes_in_buffer = decoder->held_len;
	while (step(decoder))
		decoder->stage++;
	source_keep(decoder);
	return true;
}

static const struct picture *jpeg_finish(void *state)
{
	struct jpeg_decoder *decoder = state;

	if (decoder->stage == STAGE_DONE)
		return shrink_picture(decoder->shrink);
	fault_tell(decoder->errors.fault, FAULT_BROKEN, "the JPEG is broken: it ends too early");
	return NULL;
}

/* ---- the encoder */

struct jpeg_encoder {
	struct jpeg_compress_struct jpeg;
	struct jpeg_errors errors;
	unsigned char *data;
	unsigned long len;
};

static bool encoder_run(struct jpeg_encoder *encoder, const struct picture *picture)
{
	struct jpeg_compress_struct *jpeg = &encoder->jpeg;

	if (setjmp(encoder->errors.back))
		return false;
	jpeg_create_compress(jpeg);
	jpeg_mem_dest(jpeg, &encoder->data, &encoder->len);
	jpeg->image_width = picture->extent.width;
	jpeg->image_height = picture->extent.height;
	jpeg->input_components = 3;
	jpeg->in_color_space = JCS_RGB;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, QUALITY, TRUE);
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < jpeg->image_height) {
		size_t offset = (size_t)jpeg->next_scanline * jpeg->image_width * 3;
		JSAMPROW row = picture->pixels + offset;

		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
	return true;
}

static bool jpeg_encode(const struct picture *picture, struct encoded *encoded_out,
			struct fault *fault)
{
	struct jpeg_encoder encoder = {0};
	bool done;

	encoder.jpeg.err = errors_init(&encoder.errors, fault);
	done = encoder_run(&encoder, picture);
	jpeg_destroy_compress(&encoder.jpeg);
	if (done)
		*encoded_out = (struct encoded){encoder.data, encoder.len};
	else
		free(encoder.data);
	return done;
}

const struct codec jpeg_codec = {
	.content_type = "image/jpeg",
	.signature = "\xff\xd8\xff",
	.open = jpeg_open,
	.feed = jpeg_feed,
	.finish = jpeg_finish,
	.close = jpeg_close,
	.encode = jpeg_encode,
};
