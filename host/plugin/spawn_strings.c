/* Strings of a plan to bytes and back. leash.c is the only user, on both of its sides. It trusts no
 * count: a string that does not end within the bytes, or a byte too many, is an error. */
#include "plugin/spawn_strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint32_t pack_list(char *const *list, struct buf *out)
{
	uint32_t count = 0;

	while (list && list[count]) {
		buf_append(out, list[count], strlen(list[count]) + 1);
		count++;
	}
	return count;
}

void spawn_strings_pack(const struct spawn_plan *plan, struct buf *out,
			struct spawn_counts *counts_out)
{
	buf_append(out, plan->work_dir, strlen(plan->work_dir) + 1);
	counts_out->arguments = pack_list(plan->argv, out);
	counts_out->variables = pack_list(plan->env, out);
}

/* The string at the front, which is taken off; NULL: there is none. */
static char *take_string(struct str *rest)
{
	const char *string = rest->data;
	const char *end = rest->len > 0 ? memchr(string, '\0', rest->len) : NULL;

	if (!end)
		return NULL;
	rest->data = end + 1;
	rest->len -= (size_t)(end + 1 - string);
	return (char *)string;
}

static char **take_list(struct str *rest, uint32_t count)
{
	char **list;

	if (count > rest->len) /* each has its NUL */
		return NULL;
	list = mem_array((size_t)count + 1, sizeof(*list));
	for (uint32_t i = 0; i < count; i++) {
		list[i] = take_string(rest);
		if (!list[i]) {
			free(list);
			return NULL;
		}
	}
	return list;
}

int spawn_strings_unpack(const uint8_t *bytes, size_t len, const struct spawn_counts *counts,
			 struct spawn_plan *plan)
{
	struct str rest = {(const char *)bytes, len};
	const char *work_dir = take_string(&rest);
	char **argv = work_dir ? take_list(&rest, counts->arguments) : NULL;
	char **env = argv ? take_list(&rest, counts->variables) : NULL;

	if (!env || rest.len > 0) {
		free(argv);
		free(env);
		return -EBADMSG;
	}
	plan->work_dir = work_dir;
	plan->argv = argv;
	plan->env = env;
	return 0;
}
