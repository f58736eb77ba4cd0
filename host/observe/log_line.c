/* The text of a log line, in logfmt or JSON.
 *
 * log.c calls it for every line, access lines of every request among them, so nothing here goes
 * through printf. A message or value is any bytes: what could end the line, leave the quotes, steer
 * a terminal, or isn't UTF-8 is escaped, the same way in both formats. */
#include "observe/log_line.h"

#include <stdbool.h>
#include <string.h>

struct out {
	char *at;
	char *end;
	bool is_full; /* something didn't fit; the line is not to be used */
};

static void put(struct out *out, const char *data, size_t len)
{
	if ((size_t)(out->end - out->at) < len) {
		out->is_full = true;
		return;
	}
	if (len > 0)
		memcpy(out->at, data, len);
	out->at += len;
}

static void put_char(struct out *out, char c)
{
	put(out, &c, 1);
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void put_int(struct out *out, int64_t number)
{
	char digits[20];
	size_t start = sizeof(digits);
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		digits[--start] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		put_char(out, '-');
	put(out, digits + start, sizeof(digits) - start);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

static void put_name(struct out *out, const char *name)
{
	for (; *name && out->at < out->end; name++)
		*out->at++ = is_name_char(*name) ? *name : '_';
	out->is_full |= *name != '\0';
}

/* ASCII that means only itself between quotes. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_escape(struct out *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

	switch (c) {
	case '"':
		put_text(out, "\\\"");
		break;
	case '\\':
		put_text(out, "\\\\");
		break;
	case '\n':
		put_text(out, "\\n");
		break;
	case '\r':
		put_text(out, "\\r");
		break;
	case '\t':
		put_text(out, "\\t");
		break;
	default:
		put(out, escape, sizeof(escape));
	}
}

/* One character that isn't plain. Returns how many bytes of the text it was. */
static size_t put_special(struct out *out, struct str text)
{
	unsigned char first = (unsigned char)text.data[0];
	size_t len = str_utf8_next(text);

	if (len == 0) {
		put_text(out, "\\ufffd");
		return 1;
	}
	/* U+0080 to U+009F are control characters too; 0x9b begins a terminal's command. */
	bool is_c1 = first == 0xc2 && (unsigned char)text.data[1] < 0xa0;
	if (len == 1)
		put_escape(out, first);
	else if (is_c1)
		put_escape(out, (unsigned char)text.data[1]);
	else
		put(out, text.data, len);
	return len;
}

/* Where a value that is too long ends: before a character, if it is UTF-8. */
static size_t cut_length(struct str text)
{
	size_t len = LOG_VALUE_BYTES;

	while (len > LOG_VALUE_BYTES - 4 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void put_quoted(struct out *out, struct str text)
{
	bool is_cut = text.len > LOG_VALUE_BYTES;
	size_t len = is_cut ? cut_length(text) : text.len;
	size_t i = 0;

	put_char(out, '"');
	while (i < len && !out->is_full) {
		size_t start = i;
		while (i < len && is_plain((unsigned char)text.data[i]))
			i++;
		put(out, text.data + start, i - start);
		if (i < len)
			i += put_special(out, (struct str){text.data + i, len - i});
	}
	put_text(out, is_cut ? "…\"" : "\"");
}

/* Most values need no quotes in logfmt. False: this one does, or doesn't fit; nothing was put. */
static bool put_bare(struct out *out, struct str text)
{
	if (text.len == 0 || text.len > LOG_VALUE_BYTES || (size_t)(out->end - out->at) < text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!is_plain((unsigned char)c) || c == ' ' || c == '=')
			return false;
		out->at[i] = c;
	}
	out->at += text.len;
	return true;
}

static void put_str(struct out *out, enum log_format format, struct str text)
{
	if (format != LOG_FORMAT_LOGFMT || !put_bare(out, text))
		put_quoted(out, text);
}

static void put_key(struct out *out, enum log_format format, const char *name)
{
	switch (format) {
	case LOG_FORMAT_LOGFMT:
		put_char(out, ' ');
		put_name(out, name);
		put_char(out, '=');
		break;
	case LOG_FORMAT_JSON:
		put_text(out, ",\"");
		put_name(out, name);
		put_text(out, "\":");
		break;
	}
}

static void put_field(struct out *out, enum log_format format, const struct log_field *field)
{
	put_key(out, format, field->name);
	switch (field->type) {
	case LOG_FIELD_STR:
		put_str(out, format, field->text);
		break;
	case LOG_FIELD_INT:
		put_int(out, field->number);
		break;
	case LOG_FIELD_BOOL:
		put_text(out, field->number ? "true" : "false");
		break;
	case LOG_FIELD_END:
		break;
	}
}

static void stamp_update(struct log_stamp *stamp, int64_t second)
{
	if (stamp->second == second && stamp->text[0])
		return;
	clock_format(stamp->text, second);
	stamp->second = second;
}

static void put_stamp(struct out *out, int64_t wall_ms, struct log_stamp *stamp)
{
	int64_t ms = wall_ms % 1000;

	if (ms < 0)
		ms += 1000;
	stamp_update(stamp, (wall_ms - ms) / 1000);
	put_text(out, stamp->text);
	char fraction[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
			   (char)('0' + ms % 10), 'Z'};
	put(out, fraction, sizeof(fraction));
}

size_t log_line_format(char *out, size_t size, enum log_format format,
		       const struct log_record *record, struct log_stamp *stamp)
{
	struct out line = {out, out + size, false};
	bool is_json = format == LOG_FORMAT_JSON;

	put_text(&line, is_json ? "{\"ts\":\"" : "ts=");
	put_stamp(&line, record->wall_ms, stamp);
	put_text(&line, is_json ? "\"" : "");
	put_key(&line, format, "level");
	put_str(&line, format, str_from(log_level_name(record->level)));
	put_key(&line, format, "event");
	put_str(&line, format, str_from(record->event));
	if (record->message.len > 0) {
		put_key(&line, format, "msg");
		put_str(&line, format, record->message);
	}
	for (const struct log_field *field = record->fields; field->type != LOG_FIELD_END; field++)
		put_field(&line, format, field);
	put_text(&line, is_json ? "}\n" : "\n");
	return line.is_full ? 0 : (size_t)(line.at - out);
}
