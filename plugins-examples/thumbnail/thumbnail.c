/* thumbnail: POST /thumbnail?size=128 with a PNG or a JPEG; the answer is the same in small, in the
 * same format. The body is decoded while it comes and the rows are forgotten as soon as they are
 * counted, so a request costs a few rows of its image and not the body.
 *
 * This file is the HTTP side: which codec, which status. The answer waits for the last byte, for an
 * image may be broken there; whatever is wrong with it is the client's affair and harms nobody
 * else. */
#include <plug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "jpeg_codec.h"
#include "png_codec.h"

#define SIZE_DEFAULT 128
#define SIZE_MAX_PX  1024
#define THREADS	     2 /* so that a large image doesn't keep the small ones waiting */

static const struct codec *const codecs[] = {&png_codec, &jpeg_codec};

/* One request. */
struct job {
	uint32_t size;
	const struct codec *codec; /* NULL until the signature is there */
	void *decoder;
	char head[CODEC_SIGNATURE_BYTES]; /* the body's first bytes */
	size_t head_len;
	struct fault fault;
};

static unsigned fault_status(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_BROKEN:
		return 400;
	case FAULT_TOO_LARGE:
		return 413;
	case FAULT_UNSUPPORTED:
		return 415;
	case FAULT_NO_MEMORY:
		return 503;
	case FAULT_NONE:
		break;
	}
	return 500;
}

static void answer_fault(struct plug_call *call, const struct job *job)
{
	plug_http_text(call, fault_status(job->fault.kind), "%s\n", job->fault.text);
}

static const struct codec *codec_find(const char *head)
{
	for (size_t i = 0; i < PLUG_COUNT(codecs); i++) {
		if (memcmp(codecs[i]->signature, head, CODEC_SIGNATURE_BYTES) == 0)
			return codecs[i];
	}
	return NULL;
}

/* Takes the first bytes of the body, and with the last of them opens the decoder. */
static bool job_take_head(struct job *job, const char **data, size_t *len)
{
	while (job->head_len < sizeof(job->head) && *len > 0) {
		job->head[job->head_len++] = *(*data)++;
		(*len)--;
	}
	if (job->head_len < sizeof(job->head))
		return true;
	job->codec = codec_find(job->head);
	if (!job->codec) {
		fault_tell(&job->fault, FAULT_UNSUPPORTED, "the body is neither a PNG nor a JPEG");
		return false;
	}
	job->decoder = job->codec->open(job->size, &job->fault);
	return job->decoder && job->codec->feed(job->decoder, job->head, sizeof(job->head));
}

static bool job_feed(struct job *job, const char *data, size_t len)
{
	if (!job->codec && !job_take_head(job, &data, &len))
		return false;
	return len == 0 || job->codec->feed(job->decoder, data, len);
}

static bool job_finish(struct job *job, struct encoded *encoded_out)
{
	const struct picture *picture;

	if (!job->codec) {
		fault_tell(&job->fault, job->head_len == 0 ? FAULT_BROKEN : FAULT_UNSUPPORTED,
			   job->head_len == 0 ? "the body is empty"
					      : "the body is neither a PNG nor a JPEG");
		return false;
	}
	picture = job->codec->finish(job->decoder);
	return picture && job->codec->encode(picture, encoded_out, &job->fault);
}

static void on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	struct job *job = state;

	if (!job_feed(job, data, len))
		answer_fault(call, job);
}

static void on_end(struct plug_call *call, void *state)
{
	struct job *job = state;
	struct encoded encoded;

	if (!job_finish(job, &encoded)) {
		answer_fault(call, job);
		return;
	}
	plug_http_set(call, "content-type", job->codec->content_type);
	plug_reply_take(call, encoded.data, encoded.len, free, encoded.data);
}

static void on_close(struct plug_call *call, void *state)
{
	struct job *job = state;

	if (job->decoder)
		job->codec->close(job->decoder);
	free(job);
}

static const struct plug_stream_ops thumbnail_stream = {
	.on_message = on_message,
	.on_end = on_end,
	.on_close = on_close,
};

/* 0: it is no size. */
static uint32_t size_parse(const char *text)
{
	unsigned long size;
	char *end;

	if (!text)
		return SIZE_DEFAULT;
	if (*text < '0' || *text > '9')
		return 0;
	size = strtoul(text, &end, 10);
	return *end || size > SIZE_MAX_PX ? 0 : (uint32_t)size;
}

static struct plug_answer thumbnail(struct plug_call *call)
{
	uint32_t size = size_parse(plug_http_query_param(call, "size"));
	struct job *job;

	if (size == 0)
		return plug_http_text(call, 400, "size is a whole number from 1 to %d\n",
				      SIZE_MAX_PX);
	job = calloc(1, sizeof(*job));
	if (!job)
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no memory for a thumbnail");
	job->size = size;
	return plug_stream(call, &thumbnail_stream, job);
}

static const struct plug_http_route routes[] = {
	{.method = "POST", .pattern = "/thumbnail", .handler = thumbnail, .stream = true},
};

static const struct plug_plugin plugin = {
	.name = "thumbnail",
	.version = "1.0.0",
	.threads = THREADS,
	PLUG_ROUTES(routes),
};

int main(void)
{
	return plug_serve(&plugin);
}
