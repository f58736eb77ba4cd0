/* Settings of a sandbox that would be read and obeyed by nobody, because of its profile or of
 * another setting. check.c calls it. */
#include <string.h>

#include "config/check.h"
#include "observe/errors.h"
#include "trust/cage.h"
#include "trust/control_group.h"

static const char *const profile_names[] = {
	[SANDBOX_NONE] = "none", [SANDBOX_STANDARD] = "standard", [SANDBOX_STRICT] = "strict"};

/* What a setting needs to mean anything. */
static const struct {
	enum setting_id setting;
	enum sandbox_profile least;
} needs[] = {
	{SETTING_SANDBOX_READ, SANDBOX_STRICT},
	{SETTING_SANDBOX_WRITE, SANDBOX_STRICT},
	{SETTING_SANDBOX_EXECUTE, SANDBOX_STRICT},
	{SETTING_SANDBOX_TEMPORARY, SANDBOX_STRICT},
	{SETTING_SANDBOX_ALLOW_CALLS, SANDBOX_STANDARD},
	{SETTING_SANDBOX_ON_VIOLATION, SANDBOX_STANDARD},
};

static void check_profile(struct filling *filling, size_t index)
{
	const struct sandbox_opts *opts = &filling->config->plugins[index].sandbox;
	const struct element *element = &filling->elements[SECTION_PLUGINS][index];

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (element->lines[needs[i].setting] == 0 || opts->profile >= needs[i].least)
			continue;
		problem_add(filling->errors,
			    element_place(filling, SECTION_PLUGINS, index, needs[i].setting),
			    ERR_CONFIG_CONFLICT,
			    "means nothing with the profile %s; leave it out, or take %s",
			    profile_names[opts->profile], profile_names[needs[i].least]);
	}
}

/* Nothing would be made of the size. */
static void check_temporary(struct filling *filling, size_t index)
{
	const struct sandbox_opts *opts = &filling->config->plugins[index].sandbox;

	if (opts->temporary_bytes > 0 && cage_lists_temporary(opts))
		problem_add(
			filling->errors,
			element_place(filling, SECTION_PLUGINS, index, SETTING_SANDBOX_TEMPORARY),
			ERR_CONFIG_CONFLICT,
			"a plugin that is to see a part of the machine's /tmp gets none of its "
			"own; leave this out, or list no path in /tmp");
}

static void check_network(struct filling *filling, size_t index)
{
	const struct sandbox_opts *opts = &filling->config->plugins[index].sandbox;

	if (opts->network == SANDBOX_NETWORK_NONE && (opts->connect || opts->bind))
		problem_add(filling->errors,
			    element_place(filling, SECTION_PLUGINS, index, SETTING_SANDBOX_NETWORK),
			    ERR_CONFIG_CONFLICT,
			    "there are no ports to connect or bind to without a network; leave one "
			    "of both out");
}

/* They would be nowhere to write to. */
static void check_group(struct filling *filling, size_t index)
{
	static const enum setting_id limits[] = {SETTING_PLUGIN_CGROUP_MEMORY,
						 SETTING_PLUGIN_CGROUP_CPU_PERCENT,
						 SETTING_PLUGIN_CGROUP_PROCESSES};
	const struct element *element = &filling->elements[SECTION_PLUGINS][index];
	const char *where = filling->config->trust.control_groups;

	if (!where || strcmp(where, CONTROL_GROUPS_NONE) != 0)
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (element->lines[limits[i]] != 0)
			problem_add(filling->errors,
				    element_place(filling, SECTION_PLUGINS, index, limits[i]),
				    ERR_CONFIG_CONFLICT,
				    "there are no control groups; set cgroup on the top level, or "
				    "leave this out");
	}
}

void check_sandboxes(struct filling *filling)
{
	for (size_t i = 0; i < filling->config->plugin_count; i++) {
		check_profile(filling, i);
		check_temporary(filling, i);
		check_network(filling, i);
		check_group(filling, i);
	}
}
