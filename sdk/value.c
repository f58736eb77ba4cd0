/* MessagePack values as authors read them. Owns a copy of the bytes and msgpack-c's objects, which
 * point into it. A plug_value is a msgpack_object under another name. The bytes are checked before
 * msgpack-c sees them, so what it allocates is in proportion to them; it refuses what nests deeper
 * than 32, so walking a value may recurse. Pure but for the warning about a value of the wrong
 * type. Malformed bytes are NULL, a missing value is the caller's fallback. */
#include "sdk/value.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire_msgpack.h"

struct parsed_value {
	msgpack_unpacked unpacked;
	char bytes[];
};

static const msgpack_object *object_of(const struct plug_value *value)
{
	return (const msgpack_object *)value;
}

static const struct plug_value *value_of(const msgpack_object *object)
{
	return (const struct plug_value *)object;
}

/* Ends every string with a zero. The byte behind a string belongs to the head of the next value (or
 * is the spare one at the end), and all heads have been read by now. */
static void object_terminate(msgpack_object *object)
{
	if (object->type == MSGPACK_OBJECT_STR && object->via.str.size == 0) {
		object->via.str.ptr = ""; /* msgpack-c leaves any pointer here */
	} else if (object->type == MSGPACK_OBJECT_STR) {
		((char *)(uintptr_t)object->via.str.ptr)[object->via.str.size] = '\0';
	} else if (object->type == MSGPACK_OBJECT_ARRAY) {
		for (uint32_t i = 0; i < object->via.array.size; i++)
			object_terminate(&object->via.array.ptr[i]);
	} else if (object->type == MSGPACK_OBJECT_MAP) {
		for (uint32_t i = 0; i < object->via.map.size; i++) {
			object_terminate(&object->via.map.ptr[i].key);
			object_terminate(&object->via.map.ptr[i].val);
		}
	}
}

struct parsed_value *parsed_value_new(const void *data, size_t len)
{
	static const char empty_map[] = "\x80";
	struct parsed_value *parsed;
	size_t end = 0;

	if (len == 0) {
		data = empty_map;
		len = 1;
	}
	if (!wire_msgpack_is_value((struct wire_bytes){data, len}))
		return NULL;
	parsed = malloc(sizeof(*parsed) + len + 1);
	if (parsed == NULL)
		return NULL;
	memcpy(parsed->bytes, data, len);
	msgpack_unpacked_init(&parsed->unpacked);
	if (msgpack_unpack_next(&parsed->unpacked, parsed->bytes, len, &end) !=
		    MSGPACK_UNPACK_SUCCESS ||
	    end != len) {
		parsed_value_free(parsed);
		return NULL;
	}
	object_terminate(&parsed->unpacked.data);
	return parsed;
}

struct parsed_value *parsed_map_new(const void *data, size_t len)
{
	struct parsed_value *parsed = parsed_value_new(data, len);

	if (parsed == NULL || parsed->unpacked.data.type == MSGPACK_OBJECT_MAP)
		return parsed;
	parsed_value_free(parsed);
	return NULL;
}

void parsed_value_free(struct parsed_value *parsed)
{
	if (parsed == NULL)
		return;
	msgpack_unpacked_destroy(&parsed->unpacked);
	free(parsed);
}

const struct plug_value *parsed_value_root(const struct parsed_value *parsed)
{
	return parsed != NULL ? value_of(&parsed->unpacked.data) : NULL;
}

/* One step of a path: the element of that name or number. */
static const msgpack_object *object_step(const msgpack_object *object, const char *name, size_t len)
{
	if (object->type == MSGPACK_OBJECT_MAP) {
		for (uint32_t i = 0; i < object->via.map.size; i++) {
			const msgpack_object *key = &object->via.map.ptr[i].key;

			if (key->type == MSGPACK_OBJECT_STR && key->via.str.size == len &&
			    memcmp(key->via.str.ptr, name, len) == 0)
				return &object->via.map.ptr[i].val;
		}
	} else if (object->type == MSGPACK_OBJECT_ARRAY) {
		char *end;
		unsigned long index = strtoul(name, &end, 10);

		if (name[0] >= '0' && name[0] <= '9' && end == name + len &&
		    index < object->via.array.size)
			return &object->via.array.ptr[index];
	}
	return NULL;
}

const struct plug_value *plug_value_at(const struct plug_value *value, const char *path)
{
	const msgpack_object *object = object_of(value);

	while (object != NULL && path != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		object = object_step(object, path, len);
		path += len;
		if (*path == '.')
			path++;
	}
	return value_of(object);
}

static enum plug_value_type object_type(const msgpack_object *object)
{
	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		return PLUG_VALUE_NULL;
	case MSGPACK_OBJECT_BOOLEAN:
		return PLUG_VALUE_BOOL;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return PLUG_VALUE_INT;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return PLUG_VALUE_DOUBLE;
	case MSGPACK_OBJECT_STR:
		return PLUG_VALUE_STRING;
	case MSGPACK_OBJECT_BIN:
	case MSGPACK_OBJECT_EXT:
		return PLUG_VALUE_BYTES;
	case MSGPACK_OBJECT_ARRAY:
		return PLUG_VALUE_LIST;
	case MSGPACK_OBJECT_MAP:
		return PLUG_VALUE_MAP;
	}
	return PLUG_VALUE_NONE;
}

enum plug_value_type plug_value_type(const struct plug_value *value, const char *path)
{
	const msgpack_object *object = object_of(plug_value_at(value, path));

	return object != NULL ? object_type(object) : PLUG_VALUE_NONE;
}

/* The object at the path if it is of that type; NULL, with a warning if it is of another. */
static const msgpack_object *object_want(const struct plug_value *value, const char *path,
					 enum plug_value_type type)
{
	static const char *const names[] = {
		[PLUG_VALUE_NONE] = "nothing",	  [PLUG_VALUE_NULL] = "null",
		[PLUG_VALUE_BOOL] = "a boolean",  [PLUG_VALUE_INT] = "a whole number",
		[PLUG_VALUE_DOUBLE] = "a number", [PLUG_VALUE_STRING] = "a string",
		[PLUG_VALUE_BYTES] = "bytes",	  [PLUG_VALUE_LIST] = "a list",
		[PLUG_VALUE_MAP] = "a map",
	};
	const msgpack_object *object = object_of(plug_value_at(value, path));
	enum plug_value_type found;

	if (object == NULL)
		return NULL;
	found = object_type(object);
	if (found == type || (type == PLUG_VALUE_DOUBLE && found == PLUG_VALUE_INT))
		return object;
	plug_log(PLUG_WARN, "value \"%s\" is %s where %s is expected; the default is taken",
		 path != NULL ? path : "", names[found], names[type]);
	return NULL;
}

const char *plug_value_string(const struct plug_value *value, const char *path,
			      const char *fallback)
{
	const msgpack_object *object = object_want(value, path, PLUG_VALUE_STRING);

	return object != NULL ? object->via.str.ptr : fallback;
}

int64_t plug_value_int(const struct plug_value *value, const char *path, int64_t fallback)
{
	const msgpack_object *object = object_want(value, path, PLUG_VALUE_INT);

	if (object == NULL)
		return fallback;
	if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return object->via.i64;
	return object->via.u64 <= INT64_MAX ? (int64_t)object->via.u64 : INT64_MAX;
}

bool plug_value_bool(const struct plug_value *value, const char *path, bool fallback)
{
	const msgpack_object *object = object_want(value, path, PLUG_VALUE_BOOL);

	return object != NULL ? object->via.boolean : fallback;
}

double plug_value_double(const struct plug_value *value, const char *path, double fallback)
{
	const msgpack_object *object = object_want(value, path, PLUG_VALUE_DOUBLE);

	if (object == NULL)
		return fallback;
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		return (double)object->via.u64;
	if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return (double)object->via.i64;
	return object->via.f64;
}

struct plug_bytes plug_value_bytes(const struct plug_value *value, const char *path)
{
	const msgpack_object *object = object_of(plug_value_at(value, path));

	if (object == NULL)
		return (struct plug_bytes){NULL, 0};
	if (object->type == MSGPACK_OBJECT_STR)
		return (struct plug_bytes){object->via.str.ptr, object->via.str.size};
	if (object->type == MSGPACK_OBJECT_BIN)
		return (struct plug_bytes){object->via.bin.ptr, object->via.bin.size};
	return (struct plug_bytes){NULL, 0};
}

size_t plug_value_count(const struct plug_value *value, const char *path)
{
	const msgpack_object *object = object_of(plug_value_at(value, path));

	if (object != NULL && object->type == MSGPACK_OBJECT_ARRAY)
		return object->via.array.size;
	if (object != NULL && object->type == MSGPACK_OBJECT_MAP)
		return object->via.map.size;
	return 0;
}

const struct plug_value *plug_value_item(const struct plug_value *value, size_t index)
{
	const msgpack_object *object = object_of(value);

	if (index >= plug_value_count(value, NULL))
		return NULL;
	if (object->type == MSGPACK_OBJECT_ARRAY)
		return value_of(&object->via.array.ptr[index]);
	return value_of(&object->via.map.ptr[index].val);
}

const char *plug_value_key(const struct plug_value *map, size_t index)
{
	const msgpack_object *object = object_of(map);
	const msgpack_object *key;

	if (object == NULL || object->type != MSGPACK_OBJECT_MAP || index >= object->via.map.size)
		return NULL;
	key = &object->via.map.ptr[index].key;
	return key->type == MSGPACK_OBJECT_STR ? key->via.str.ptr : "";
}

const struct msgpack_object *plug_value_msgpack(const struct plug_value *value)
{
	return object_of(value);
}
