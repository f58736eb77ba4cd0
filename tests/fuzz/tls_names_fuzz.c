/* Any bytes as a list of names, a line each, and the last line as the one that a client asks for:
 * what is found is the name itself or its wildcard, whatever the order. */
#include <assert.h>
#include <stdint.h>

#include "net/tls_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str without_dot(struct str name)
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	return name;
}

static bool fits(struct str pattern, struct str name)
{
	const char *dot = name.len > 0 ? memchr(name.data, '.', name.len) : NULL;

	pattern = without_dot(pattern);
	name = without_dot(name);
	if (str_eq_nocase(pattern, name))
		return true;
	if (!dot || !str_starts_with(pattern, STR_LITERAL("*")))
		return false;
	return str_eq_nocase((struct str){pattern.data + 1, pattern.len - 1},
			     (struct str){dot, name.len - (size_t)(dot - name.data)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_names names = {0};
	struct str lines[64];
	size_t count = 0, index;
	const char *at = (const char *)data, *end = at + size;

	while (size > 0 && count < 64) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		lines[count++] = (struct str){at, (size_t)((stop ? stop : end) - at)};
		if (!stop)
			break;
		at = stop + 1;
	}
	if (count == 0)
		return 0;
	for (size_t i = 0; i + 1 < count; i++) {
		if (tls_name_is_valid(lines[i]))
			tls_names_add(&names, lines[i], i);
	}
	bool is_found = tls_names_find(&names, lines[count - 1], &index);
	assert(!is_found || fits(lines[index], lines[count - 1]));
	for (size_t i = 0; !is_found && i + 1 < count; i++)
		assert(!tls_name_is_valid(lines[i]) || lines[i].data[0] == '*' ||
		       !fits(lines[i], lines[count - 1]));
	tls_names_deinit(&names);
	return 0;
}
