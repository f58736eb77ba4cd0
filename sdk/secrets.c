/* The secrets that came in HELLO. Owns their values, each in pages of its own: read there straight
 * from the frame, locked, left out of core dumps and of children, zeroed at the end. Called by
 * life.c and by serve.c's end. Fails by making HELLO unreadable: no memory, no start. */
#include "sdk/secrets.h"

#include <pb_decode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/plugd.pb.h"
#include "sdk/plug_secret.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

struct secret_value {
	struct secret_value *next;
	char *name;
	uint8_t *data; /* the value, then the same as text; NULL: it did not come */
	size_t len;
	size_t mapped;
	const char *text; /* NULL: it has a zero byte in it */
};

static void value_free(struct secret_value *value)
{
	if (value->data != NULL) {
		explicit_bzero(value->data, value->mapped);
		(void)munmap(value->data, value->mapped);
	}
	free(value->name);
	free(value);
}

/* Room for the value, and for its text behind it. */
static bool value_map(struct secret_value *value, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (2 * len + 1 + page - 1) / page * page;
	void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED)
		return false;
	(void)mlock(data, bytes);
	(void)madvise(data, bytes, MADV_DONTDUMP);
	(void)madvise(data, bytes, MADV_WIPEONFORK);
	value->data = data;
	value->len = len;
	value->mapped = bytes;
	return true;
}

static void value_set_text(struct secret_value *value)
{
	char *text = (char *)value->data + value->len;
	size_t len = value->len;

	if (memchr(value->data, '\0', len) != NULL)
		return;
	memcpy(text, value->data, len);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && len < value->len && text[len - 1] == '\r')
		len--;
	text[len] = '\0';
	value->text = text;
}

static bool read_value(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	struct secret_value *value = *arg;

	(void)field;
	return value->data == NULL && value_map(value, stream->bytes_left) &&
	       pb_read(stream, value->data, value->len);
}

static bool read_secret(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	struct secrets *secrets = *arg;
	struct secret_value *value = calloc(1, sizeof(*value));
	plugd_v1_Secret message = plugd_v1_Secret_init_zero;

	(void)field;
	if (value == NULL)
		return false;
	value->next = secrets->first;
	secrets->first = value;
	proto_get_string(&message.name, &value->name);
	message.value.funcs.decode = read_value;
	message.value.arg = value;
	if (!pb_decode(stream, plugd_v1_Secret_fields, &message))
		return false;
	if (value->data == NULL && !value_map(value, 0)) /* an empty one is not sent */
		return false;
	value_set_text(value);
	return true;
}

void secrets_get(pb_callback_t *field, struct secrets *secrets)
{
	field->funcs.decode = read_secret;
	field->arg = secrets;
}

void secrets_deinit(struct secrets *secrets)
{
	while (secrets->first != NULL) {
		struct secret_value *value = secrets->first;

		secrets->first = value->next;
		value_free(value);
	}
}

void secrets_forget(struct wire_bytes frame)
{
	explicit_bzero((void *)(uintptr_t)frame.data, frame.len);
}

static const struct secret_value *find(const struct plug *plug, const char *name)
{
	const struct secret_value *value = plug->secrets.first;

	while (value != NULL && (value->name == NULL || strcmp(value->name, name) != 0))
		value = value->next;
	return value;
}

struct plug_bytes plug_secret(const struct plug *plug, const char *name)
{
	const struct secret_value *value = find(plug, name);

	return value != NULL ? (struct plug_bytes){value->data, value->len}
			     : (struct plug_bytes){NULL, 0};
}

const char *plug_secret_text(const struct plug *plug, const char *name)
{
	const struct secret_value *value = find(plug, name);

	return value != NULL ? value->text : NULL;
}
