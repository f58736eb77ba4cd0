/* Apache's combined format. mw_access_log.c calls it for each request, so nothing here goes through
 * printf; the arena has room for the longest that the line can get, which is known before. */
#include "edge/combined.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* All that is no text of the entry's: numbers, the time, names and quotes. */
#define FIXED_BYTES	 400
#define BYTES_OF_ESCAPED 4

static char *put(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

static char *put_number(char *at, uint64_t number)
{
	char digits[20];
	size_t start = sizeof(digits);

	do {
		digits[--start] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	memcpy(at, digits + start, sizeof(digits) - start);
	return at + sizeof(digits) - start;
}

static char *put_two(char *at, int number)
{
	*at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

static bool is_plain(unsigned char c, bool is_quoted)
{
	return c > ' ' && c < 0x7f ? c != '"' && c != '\\' : c == ' ' && is_quoted;
}

static size_t text_length(struct str text)
{
	return text.len < COMBINED_TEXT_BYTES ? text.len : COMBINED_TEXT_BYTES;
}

/* `is_quoted`: it stands between quotes, where a space ends nothing. */
static char *put_text(char *at, struct str text, bool is_quoted)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = text_length(text);

	if (len == 0)
		*at++ = '-';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (is_plain(c, is_quoted)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\';
		*at++ = 'x';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return at;
}

static char *put_quoted(char *at, struct str text)
{
	*at++ = '"';
	at = put_text(at, text, true);
	*at++ = '"';
	return at;
}

/* "[2001:db8::1]:52311" → "2001:db8::1" */
static struct str without_port(struct str peer)
{
	const char *colon = peer.len > 0 ? memrchr(peer.data, ':', peer.len) : NULL;

	if (colon)
		peer.len = (size_t)(colon - peer.data);
	if (peer.len > 1 && peer.data[0] == '[' && peer.data[peer.len - 1] == ']')
		return (struct str){peer.data + 1, peer.len - 2};
	return peer;
}

/* " [27/Nov/2026:14:05:01 +0000] ", in UTC and without a locale. */
static char *put_time(char *at, int64_t wall_ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t when = (time_t)(wall_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&when, &utc))
		return put(at, " [-] ");
	at = put(at, " [");
	at = put_two(at, utc.tm_mday);
	*at++ = '/';
	memcpy(at, months + (size_t)utc.tm_mon * 3, 3);
	at += 3;
	*at++ = '/';
	at = put_number(at, (uint64_t)utc.tm_year + 1900);
	*at++ = ':';
	at = put_two(at, utc.tm_hour);
	*at++ = ':';
	at = put_two(at, utc.tm_min);
	*at++ = ':';
	at = put_two(at, utc.tm_sec);
	return put(at, " +0000] ");
}

static const char *version_text(unsigned version)
{
	return version == 20 ? " HTTP/2.0" : version == 10 ? " HTTP/1.0" : " HTTP/1.1";
}

static char *put_request(char *at, const struct combined *entry)
{
	*at++ = '"';
	if (entry->method.len == 0) {
		*at++ = '-';
	} else {
		at = put_text(at, entry->method, false);
		*at++ = ' ';
		at = put_text(at, entry->target, false);
		at = put(at, version_text(entry->version));
	}
	*at++ = '"';
	return at;
}

static char *put_named(char *at, const char *name, int64_t us)
{
	at = put(at, name);
	return put_number(at, us > 0 ? (uint64_t)us : 0);
}

struct str combined_line(struct arena *arena, const struct combined *entry)
{
	size_t texts = text_length(entry->peer) + text_length(entry->user) +
		       text_length(entry->method) + text_length(entry->target) +
		       text_length(entry->referer) + text_length(entry->agent) +
		       text_length(entry->id);
	char *line = arena_alloc(arena, FIXED_BYTES + BYTES_OF_ESCAPED * texts);
	char *at = put_text(line, without_port(entry->peer), false);

	at = put(at, " - ");
	at = put_text(at, entry->user, false);
	at = put_time(at, entry->wall_ms);
	at = put_request(at, entry);
	*at++ = ' ';
	at = put_number(at, entry->status);
	*at++ = ' ';
	at = put_number(at, entry->out_bytes);
	*at++ = ' ';
	at = put_quoted(at, entry->referer);
	*at++ = ' ';
	at = put_quoted(at, entry->agent);
	at = put_named(at, " us=", entry->us);
	at = put_named(at, " queue_us=", entry->queue_us);
	at = put_named(at, " plugin_us=", entry->plugin_us);
	at = put_named(at, " edge_us=", entry->edge_us);
	at = put(at, " id=");
	at = put_text(at, entry->id, false);
	*at++ = '\n';
	return (struct str){line, (size_t)(at - line)};
}
