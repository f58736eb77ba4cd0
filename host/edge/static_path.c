/* Names of files in requests.
 *
 * The path was decoded and its dots resolved by net/target, so ".." can't come here; that nothing
 * leads out is held by the kernel all the same (static_root.c). Here names are refused that a
 * client must not have whatever lies there: hidden files, and such that several paths would name.
 * Owns nothing; called by static_files.c. */
#include "edge/static_path.h"

#include "net/chars.h"
#include "net/message.h"

static bool segment_is_fit(struct str segment)
{
	if (segment.len == 0 || segment.data[0] == '.')
		return false;
	for (size_t i = 0; i + 2 < segment.len; i++) {
		if (segment.data[i] == '%' && segment.data[i + 1] == '2' &&
		    (segment.data[i + 2] | 0x20) == 'f')
			return false;
	}
	return !memchr(segment.data, '\0', segment.len);
}

const char *static_path_name(struct arena *arena, struct str rest)
{
	size_t begin = 0;

	for (size_t i = 0; i <= rest.len; i++) {
		if (i < rest.len && rest.data[i] != '/')
			continue;
		/* What follows the last slash, and the whole, may be nothing. */
		if (i == rest.len && begin == i)
			break;
		if (!segment_is_fit((struct str){rest.data + begin, i - begin}))
			return NULL;
		begin = i + 1;
	}
	return arena_strndup(arena, http_segment_decode(arena, rest));
}

static struct str last_segment(struct str path)
{
	size_t skip = path.len;

	while (skip > 0 && path.data[skip - 1] != '/')
		skip--;
	return (struct str){path.data + skip, path.len - skip};
}

bool static_path_is_page(struct str rest)
{
	struct str last = last_segment(rest);

	return last.len == 0 || !memchr(last.data, '.', last.len);
}

/* Needs no escape in a segment. '%' stands for itself: what is still encoded stays so. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~%", c));
}

struct str static_path_with_slash(struct arena *arena, struct str path, struct str query)
{
	struct str segment = last_segment(path);
	char *out = arena_alloc(arena, 3 * segment.len + query.len + 5);
	char *at = out;

	*at++ = '.';
	*at++ = '/';
	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.data[i];

		if (is_plain(c))
			*at++ = c;
		else
			at = chars_put_escape(at, (uint8_t)c);
	}
	*at++ = '/';
	if (query.len > 0) {
		*at++ = '?';
		at = mempcpy(at, query.data, query.len);
	}
	return (struct str){out, (size_t)(at - out)};
}
