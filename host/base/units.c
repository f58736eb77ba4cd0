/* Durations and sizes as people write them, both ways. The configuration reads them, status and
 * logs write them. */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t size;
};

#define YEAR_MS	     (UINT64_C(365) * 24 * 60 * 60 * 1000)
#define DURATION_MAX (100 * YEAR_MS)
#define BYTES_MAX    (UINT64_C(1) << 62)

/* From large to small, as they must follow each other. */
static const struct unit duration_units[] = {{"d", 24 * 60 * 60 * 1000},
					     {"h", 60 * 60 * 1000},
					     {"m", 60 * 1000},
					     {"s", 1000},
					     {"ms", 1}};
#define DURATION_UNITS (sizeof(duration_units) / sizeof(duration_units[0]))

static const struct unit byte_units[] = {
	{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"GB", 1000000000},
	{"MB", 1000000},   {"kB", 1000},      {"B", 1},		 {"", 1}};
#define BYTE_UNITS (sizeof(byte_units) / sizeof(byte_units[0]))

/* Takes the leading run of characters that are digits, or that are none, off *text. */
static struct str take_run(struct str *text, bool digits)
{
	struct str run = {text->data, 0};

	while (run.len < text->len &&
	       (text->data[run.len] >= '0' && text->data[run.len] <= '9') == digits)
		run.len++;
	text->data += run.len;
	text->len -= run.len;
	return run;
}

/* The index of the unit of this name at or after `from`; `count` when there is none. */
static size_t unit_find(const struct unit *units, size_t count, size_t from, struct str name)
{
	size_t i = from;
	while (i < count && !str_eq(name, str_from(units[i].name)))
		i++;
	return i;
}

bool units_parse_duration_ms(struct str text, int64_t *out_ms)
{
	uint64_t sum = 0;
	size_t next_unit = 0;

	if (str_eq(text, STR_LITERAL("0"))) {
		*out_ms = 0;
		return true;
	}
	if (text.len == 0)
		return false;
	while (text.len > 0) {
		uint64_t count;
		if (!str_to_u64(take_run(&text, true), DURATION_MAX, &count))
			return false;
		size_t unit = unit_find(duration_units, DURATION_UNITS, next_unit,
					take_run(&text, false));
		if (unit == DURATION_UNITS ||
		    count > (DURATION_MAX - sum) / duration_units[unit].size)
			return false;
		sum += count * duration_units[unit].size;
		next_unit = unit + 1;
	}
	*out_ms = (int64_t)sum;
	return true;
}

bool units_parse_bytes(struct str text, uint64_t *out_bytes)
{
	uint64_t count;

	if (!str_to_u64(take_run(&text, true), BYTES_MAX, &count))
		return false;
	size_t unit = unit_find(byte_units, BYTE_UNITS, 0, text);
	if (unit == BYTE_UNITS || count > BYTES_MAX / byte_units[unit].size)
		return false;
	*out_bytes = count * byte_units[unit].size;
	return true;
}

void units_format_duration_ms(char *out, int64_t ms)
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	size_t used = 0;

	if (ms == 0) {
		str_copy(out, UNITS_TEXT, STR_LITERAL("0"));
		return;
	}
	if (ms < 0)
		out[used++] = '-';
	for (size_t i = 0; i < DURATION_UNITS; i++) {
		uint64_t count = left / duration_units[i].size;
		if (count == 0)
			continue;
		left %= duration_units[i].size;
		used += (size_t)snprintf(out + used, UNITS_TEXT - used, "%" PRIu64 "%s", count,
					 duration_units[i].name);
	}
}

void units_format_bytes(char *out, uint64_t bytes)
{
	char text[UNITS_TEXT];

	snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
	size_t shortest = strlen(out) + 1; /* a unit is worth as much as plain digits */
	for (size_t i = 0; bytes > 0 && i < BYTE_UNITS; i++) {
		if (bytes % byte_units[i].size != 0 || byte_units[i].size == 1)
			continue;
		size_t len = (size_t)snprintf(text, sizeof(text), "%" PRIu64 "%s",
					      bytes / byte_units[i].size, byte_units[i].name);
		if (len < shortest) {
			memcpy(out, text, len + 1);
			shortest = len;
		}
	}
}
