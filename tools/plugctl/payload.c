/* JSON to MessagePack and back, on jansson and msgpack-c, for the payloads of `plugctl call`. Both
 * libraries bound the depth of what they parse (2048 and 32), so walking a parsed value is safe. */
#include "payload.h"

#include <errno.h>
#include <msgpack.h>

#include "base/base64.h"
#include "base/member.h"
#include "proto/wire_msgpack.h"

/* ---- to MessagePack ---- */

static int write_bytes(void *user, const char *data, size_t len)
{
	buf_append(user, data, len);
	return 0;
}

static void pack(msgpack_packer *packer, json_t *value);

static void pack_text(msgpack_packer *packer, const char *text, size_t len)
{
	msgpack_pack_str(packer, len);
	msgpack_pack_str_body(packer, text, len);
}

static void pack_object(msgpack_packer *packer, json_t *object)
{
	const char *key;
	json_t *value;

	msgpack_pack_map(packer, json_object_size(object));
	json_object_foreach (object, key, value) {
		pack_text(packer, key, strlen(key));
		pack(packer, value);
	}
}

static void pack_array(msgpack_packer *packer, json_t *array)
{
	msgpack_pack_array(packer, json_array_size(array));
	for (size_t i = 0; i < json_array_size(array); i++)
		pack(packer, json_array_get(array, i));
}

static void pack(msgpack_packer *packer, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		pack_object(packer, value);
		break;
	case JSON_ARRAY:
		pack_array(packer, value);
		break;
	case JSON_STRING:
		pack_text(packer, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(packer, json_integer_value(value));
		break;
	case JSON_REAL:
		msgpack_pack_double(packer, json_real_value(value));
		break;
	case JSON_TRUE:
		msgpack_pack_true(packer);
		break;
	case JSON_FALSE:
		msgpack_pack_false(packer);
		break;
	case JSON_NULL:
		msgpack_pack_nil(packer);
		break;
	}
}

int payload_from_json(struct str text, struct buf *out, struct err *err)
{
	json_error_t why;
	json_t *value = json_loadb(text.len ? text.data : "", text.len,
				   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	msgpack_packer packer;

	if (!value)
		return err_set(err, 0, "the payload is not JSON: line %d, column %d: %s", why.line,
			       why.column, why.text);
	msgpack_packer_init(&packer, out, write_bytes);
	pack(&packer, value);
	json_decref(value);
	return 0;
}

/* ---- from MessagePack ---- */

static json_t *json_of(const msgpack_object *value);

static json_t *json_of_bytes(const msgpack_object_bin *bytes)
{
	struct buf text = {0};
	json_t *value;

	base64_put(&text, (const uint8_t *)bytes->ptr, bytes->size);
	value = text_json((struct str){(const char *)buf_front(&text), buf_len(&text)});
	buf_deinit(&text);
	return value;
}

static json_t *json_of_array(const msgpack_object_array *array)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < array->size; i++)
		json_array_append_new(list, json_of(&array->ptr[i]));
	return list;
}

static void put_pair(json_t *object, const msgpack_object_kv *pair)
{
	json_t *key = json_of(&pair->key);
	char *text = json_is_string(key) ? NULL : json_dumps(key, JSON_COMPACT | JSON_ENCODE_ANY);

	json_object_set_new(object, text ? text : json_string_value(key), json_of(&pair->val));
	free(text);
	json_decref(key);
}

static json_t *json_of_map(const msgpack_object_map *map)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < map->size; i++)
		put_pair(object, &map->ptr[i]);
	return object;
}

/* json_real() returns NULL for infinities and what is no number. */
static json_t *json_of_real(double number)
{
	json_t *value = json_real(number);

	return value ? value : json_null();
}

static json_t *json_of_unsigned(uint64_t number)
{
	return number <= INT64_MAX ? json_integer((json_int_t)number)
				   : json_of_real((double)number);
}

static json_t *json_of(const msgpack_object *value)
{
	switch (value->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return json_boolean(value->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return json_of_unsigned(value->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return json_integer(value->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return json_of_real(value->via.f64);
	case MSGPACK_OBJECT_STR:
		return text_json((struct str){value->via.str.ptr, value->via.str.size});
	case MSGPACK_OBJECT_ARRAY:
		return json_of_array(&value->via.array);
	case MSGPACK_OBJECT_MAP:
		return json_of_map(&value->via.map);
	case MSGPACK_OBJECT_BIN:
		return json_of_bytes(&value->via.bin);
	case MSGPACK_OBJECT_NIL:
	case MSGPACK_OBJECT_EXT:
		break;
	}
	return json_null();
}

int payload_to_json(const uint8_t *data, size_t len, json_t **out, struct err *err)
{
	msgpack_unpacked unpacked;
	size_t at = 0;
	bool is_value;

	msgpack_unpacked_init(&unpacked);
	is_value = wire_msgpack_is_value((struct wire_bytes){data, len}) &&
		   msgpack_unpack_next(&unpacked, (const char *)data, len, &at) ==
			   MSGPACK_UNPACK_SUCCESS;
	if (is_value)
		*out = json_of(&unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
	if (!is_value)
		return err_set(err, 0, "the answer is not one MessagePack value (%zu bytes)", len);
	return 0;
}
