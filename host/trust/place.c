/* Paths as text. The whitelist's reader and the constraints use it; nothing is looked up in the
 * file system, and nothing fails. */
#include "trust/place.h"

#include <string.h>

/* One step: what stands between two slashes. */
static bool is_plain_step(struct str step)
{
	static const struct str here = {".", 1};
	static const struct str above = {"..", 2};

	return step.len > 0 && !str_eq(step, here) && !str_eq(step, above);
}

bool place_is_plain(struct str path)
{
	if (path.len < 2 || path.data[0] != '/')
		return false;
	while (path.len > 0) {
		struct str step = {path.data + 1, path.len - 1};
		const char *slash = memchr(step.data, '/', step.len);

		if (slash)
			step.len = (size_t)(slash - step.data);
		if (!is_plain_step(step))
			return false;
		path.data += 1 + step.len;
		path.len -= 1 + step.len;
	}
	return true;
}

bool place_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (strcmp(top, "/") == 0)
		return path[0] == '/';
	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

const char *place_find_top(const char *path, char *const *tops)
{
	for (; tops && *tops; tops++) {
		if (place_is_below(path, *tops))
			return *tops;
	}
	return NULL;
}
