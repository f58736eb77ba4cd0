/* How long a client is willing to wait, as it says in a header. A table of the spellings, each with
 * its reader. */
#include "edge/deadline_header.h"

#include "base/units.h"

typedef bool read_fn(struct str text, int64_t *ms_out);

static bool read_digits(struct str text, size_t most_digits, uint64_t *out)
{
	return text.len <= most_digits && str_to_u64(text, UINT64_MAX, out);
}

/* "5" is seconds; anything else is written as in the configuration. */
static bool read_plain(struct str text, int64_t *ms_out)
{
	uint64_t seconds;

	if (!read_digits(text, 10, &seconds))
		return units_parse_duration_ms(text, ms_out);
	*ms_out = (int64_t)seconds * 1000;
	return true;
}

static bool read_grpc(struct str text, int64_t *ms_out)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = {{'H', INT64_C(3600000000000)}, {'M', INT64_C(60000000000)},
		     {'S', INT64_C(1000000000)},    {'m', INT64_C(1000000)},
		     {'u', INT64_C(1000)},	    {'n', INT64_C(1)}};
	uint64_t value;

	if (text.len < 2 || !read_digits((struct str){text.data, text.len - 1}, 8, &value))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text.data[text.len - 1])
			continue;
		if (units[i].ns >= 1000000)
			*ms_out = (int64_t)value * (units[i].ns / 1000000);
		else
			*ms_out = ((int64_t)value * units[i].ns + 999999) / 1000000;
		return true;
	}
	return false;
}

static bool read_connect(struct str text, int64_t *ms_out)
{
	uint64_t value;

	if (!read_digits(text, 10, &value))
		return false;
	*ms_out = (int64_t)value;
	return true;
}

static read_fn *reader_of(struct str name)
{
	static const struct {
		struct str name;
		read_fn *read;
	} headers[] = {{{"x-request-timeout", 17}, read_plain},
		       {{"grpc-timeout", 12}, read_grpc},
		       {{"connect-timeout-ms", 18}, read_connect}};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (str_eq(name, headers[i].name))
			return headers[i].read;
	}
	return NULL;
}

bool deadline_header_find(const struct http_field *fields, size_t count, int64_t *timeout_ms_out,
			  const struct http_field **wrong_out)
{
	*timeout_ms_out = DEADLINE_HEADER_NONE;
	for (size_t i = 0; i < count; i++) {
		read_fn *read = reader_of(fields[i].name);
		int64_t ms = 0;

		if (!read)
			continue;
		if (!read(fields[i].value, &ms)) {
			*wrong_out = &fields[i];
			return false;
		}
		if (ms < *timeout_ms_out)
			*timeout_ms_out = ms;
	}
	return true;
}
