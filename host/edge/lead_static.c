/* Routes that lead to a directory of files. The directory is opened when the configuration is taken
 * over, and is closed with the routes. */
#include "edge/edge_internal.h"
#include "edge/lead.h"
#include "edge/static_files.h"

#include "base/mem.h"

static bool is_of(const struct route_opts *opts)
{
	return opts->files.directory != NULL;
}

/* Files have a name of their own. */
static const char *check(const struct route_opts *opts)
{
	const char *last = opts->path ? strrchr(opts->path, '/') : NULL;

	if (!opts->path || (last && last[1] == '*'))
		return NULL;
	return "is of files, whose names have no place in the path; let that end in *name, such as "
	       "/assets/*file";
}

static int take(struct edge_routes *routes, const struct route_opts *opts, struct edge_route *route,
		struct err *err)
{
	struct static_root root;
	int r = static_root_open(&opts->files, &root, err);

	if (r < 0) {
		err_prefix(err, "route %s", opts->path);
		err_about(err, opts->files.directory);
		return r;
	}
	route->files = mem_alloc(sizeof(*route->files));
	*route->files = root;
	return 0;
}

const struct lead lead_static = {.name = "static",
				 .is_of = is_of,
				 .check = check,
				 .take = take,
				 .begin = static_files_answer};
