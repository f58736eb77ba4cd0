/* The target of a request.
 *
 * A path is decoded once, here, and everybody above compares decoded text: the classic hole is a
 * guard that looks at one spelling and a handler that serves another. http1_head.c calls it; a
 * target that isn't right is a fault for the client. */
#include "net/target.h"

#include "net/chars.h"

/* ---- authority ---- */

static bool is_sub_delim(char c)
{
	return c != '\0' && strchr("!$&'()*+,;=", c);
}

static bool is_unreserved(char c)
{
	char lower = (char)(c | 0x20);

	return chars_is_digit(c) || (lower >= 'a' && lower <= 'z') ||
	       (c != '\0' && strchr("-._~", c));
}

static bool is_port(struct str text)
{
	uint64_t port;

	return text.len == 0 || (text.len <= 5 && str_to_u64(text, 65535, &port));
}

/* What follows the host: nothing, or ":port". */
static bool is_port_part(struct str rest)
{
	if (rest.len == 0)
		return true;
	return rest.data[0] == ':' && is_port((struct str){rest.data + 1, rest.len - 1});
}

static bool is_ip_literal_authority(struct str text)
{
	const char *close = memchr(text.data, ']', text.len);
	if (!close || close == text.data + 1)
		return false;

	for (const char *p = text.data + 1; p < close; p++) {
		if (chars_hex(*p) < 0 && *p != ':' && *p != '.')
			return false;
	}
	close++;
	return is_port_part((struct str){close, text.len - (size_t)(close - text.data)});
}

bool target_is_authority(struct str text)
{
	if (text.len == 0)
		return false;
	if (text.data[0] == '[')
		return is_ip_literal_authority(text);

	size_t i = 0;
	for (; i < text.len && text.data[i] != ':'; i++) {
		char c = text.data[i];
		if (c == '%') {
			if (chars_escape((struct str){text.data + i, text.len - i}) < 0)
				return false;
			i += 2;
		} else if (!is_unreserved(c) && !is_sub_delim(c)) {
			return false;
		}
	}
	return i > 0 && is_port_part((struct str){text.data + i, text.len - i});
}

/* ---- path ---- */

/* Nothing to decode and no segment that begins with a dot, which is nearly every path. */
static bool path_is_plain(struct str path)
{
	if (memchr(path.data, '%', path.len))
		return false;
	for (const char *p = path.data; p < path.data + path.len - 1; p++) {
		p = memchr(p, '/', (size_t)(path.data + path.len - p));
		if (!p || p + 1 == path.data + path.len)
			return true;
		if (p[1] == '.')
			return false;
	}
	return true;
}

/* Decodes into `out`, which holds path.len bytes. An escaped slash or percent sign stays
 * escaped. */
static enum fault path_decode(struct str path, char *out, size_t *len_out)
{
	size_t len = 0;

	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] != '%') {
			out[len++] = path.data[i];
			continue;
		}
		int c = chars_escape((struct str){path.data + i, path.len - i});
		if (c < 0)
			return FAULT_PATH_ESCAPE;
		i += 2;
		if (c == '/' || c == '%')
			len = (size_t)(chars_put_escape(out + len, (uint8_t)c) - out);
		else
			out[len++] = (char)c;
	}
	*len_out = len;
	return FAULT_NONE;
}

/* Resolves "." and ".." in place (RFC 3986, 5.2.4). `path` begins with '/'. After decoding, because
 * "%2e%2e" means "..". */
static enum fault path_resolve_dots(char *path, size_t *len_inout)
{
	size_t len = *len_inout;
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		size_t next = i + 1;
		while (next < len && path[next] != '/')
			next++;

		struct str segment = {path + i + 1, next - i - 1};
		bool is_last = next == len;
		if (str_eq(segment, STR_LITERAL("."))) {
			if (is_last)
				path[out++] = '/';
		} else if (str_eq(segment, STR_LITERAL(".."))) {
			if (out == 0)
				return FAULT_PATH_ABOVE_ROOT;
			while (path[--out] != '/')
				;
			if (is_last)
				path[out++] = '/';
		} else {
			memmove(path + out, path + i, next - i);
			out += next - i;
		}
		i = next;
	}
	*len_inout = out;
	return FAULT_NONE;
}

static enum fault path_normalise(struct arena *arena, struct str path, struct str *out)
{
	if (path_is_plain(path)) {
		*out = path;
		return FAULT_NONE;
	}

	size_t len;
	char *text = arena_alloc(arena, path.len);
	enum fault fault = path_decode(path, text, &len);
	if (fault)
		return fault;
	if (!chars_is_clean_utf8((struct str){text, len}))
		return FAULT_PATH_CHARACTER;
	fault = path_resolve_dots(text, &len);
	*out = (struct str){text, len};
	return fault;
}

/* ---- target ---- */

static struct str str_from_offset(struct str text, size_t offset)
{
	return (struct str){text.data + offset, text.len - offset};
}

static bool skip_prefix_nocase(struct str *text, struct str prefix)
{
	if (text->len < prefix.len || !str_eq_nocase((struct str){text->data, prefix.len}, prefix))
		return false;
	*text = str_from_offset(*text, prefix.len);
	return true;
}

/* "http://host:port/path?query" (RFC 9112, 3.2.2): takes the authority off, leaves the rest in
 * *text. */
static enum fault target_take_authority(struct str *text, struct target *out)
{
	if (!skip_prefix_nocase(text, STR_LITERAL("http://")) &&
	    !skip_prefix_nocase(text, STR_LITERAL("https://")))
		return FAULT_TARGET;

	size_t end = 0;
	while (end < text->len && text->data[end] != '/' && text->data[end] != '?')
		end++;
	out->authority = (struct str){text->data, end};
	out->is_absolute = true;
	*text = str_from_offset(*text, end);
	return target_is_authority(out->authority) ? FAULT_NONE : FAULT_HOST_INVALID;
}

enum fault target_parse(struct arena *arena, struct str method, struct str text, struct target *out)
{
	bool is_options = str_eq(method, STR_LITERAL("OPTIONS"));

	*out = (struct target){0};
	if (str_eq(method, STR_LITERAL("CONNECT")))
		return FAULT_CONNECT;
	if (!chars_is_target(text))
		return FAULT_TARGET_CHARACTER;
	if (is_options && str_eq(text, STR_LITERAL("*"))) {
		out->path = text;
		return FAULT_NONE;
	}
	if (text.data[0] != '/') {
		enum fault fault = target_take_authority(&text, out);
		if (fault)
			return fault;
	}

	const char *mark = text.len ? memchr(text.data, '?', text.len) : NULL;
	struct str path = text;
	if (mark) {
		path.len = (size_t)(mark - text.data);
		out->query = str_from_offset(text, path.len + 1);
	}
	if (path.len == 0) {
		/* RFC 9112, 3.2.4: an absolute target of OPTIONS without path and query means
		 * "*". */
		out->path = is_options && !mark ? STR_LITERAL("*") : STR_LITERAL("/");
		return FAULT_NONE;
	}
	return path_normalise(arena, path, &out->path);
}
