/* The table of what routes may lead to, and the rule that a route leads to exactly one. Pure. */
#include "edge/lead.h"

#include <stdio.h>

#include "observe/errors.h"

static const struct lead *const leads[] = {&lead_plugin, &lead_static, &lead_redirect};

#define LEADS	   (sizeof(leads) / sizeof(leads[0]))
#define NAMES_TEXT 128

/* "plugin or redirect"; `opts` NULL: all, else only those that the route has. */
static const char *name_leads(const struct route_opts *opts, const char *between, char *out)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < LEADS && used < NAMES_TEXT; i++) {
		if (!opts || leads[i]->is_of(opts))
			used += (size_t)snprintf(out + used, NAMES_TEXT - used, "%s%s",
						 used > 0 ? between : "", leads[i]->name);
	}
	return out;
}

const struct lead *lead_find(const struct route_opts *opts, struct err *err)
{
	const struct lead *found = NULL;
	char names[NAMES_TEXT];
	size_t count = 0;

	for (size_t i = 0; i < LEADS; i++) {
		if (!leads[i]->is_of(opts))
			continue;
		found = leads[i];
		count++;
	}
	if (count == 0)
		err_set(err, ERR_CONFIG_MISSING, "leads nowhere; add %s",
			name_leads(NULL, " or ", names));
	if (count > 1)
		err_set(err, ERR_CONFIG_CONFLICT, "leads to %s at once; keep one of them",
			name_leads(opts, " and ", names));
	return count == 1 ? found : NULL;
}

const char *lead_parse(const struct route_opts *opts, enum template_use use, const char *text,
		       struct arena *arena, struct template *out)
{
	struct pattern pattern;

	*out = (struct template){.use = use};
	if (pattern_fault(&pattern, opts->path))
		return NULL;
	return template_parse(out, arena, use, text, &pattern);
}

int lead_refuse(const struct route_opts *opts, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG_CONFLICT, "route %s: %s", opts->path, why);
}
