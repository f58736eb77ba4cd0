/* Defaults, file, environment, flags, checks: in this order, each over the one before. Only this
 * file of the room touches the kernel. What is wrong is collected to the end; a configuration with
 * any error is refused as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/yaml.h"
#include "config/check.h"
#include "config/config.h"
#include "config/fill.h"
#include "config/groups.h"
#include "config/override.h"
#include "config/problems.h"
#include "observe/errors.h"

/* ---- from texts ---- */

/* The line in "<file>:<line>: …". */
static unsigned line_of(const char *text, const char *file)
{
	size_t len = strlen(file);

	if (strncmp(text, file, len) != 0 || text[len] != ':')
		return 0;
	return (unsigned)strtoul(text + len + 1, NULL, 10);
}

static void load_text(struct filling *filling, struct str text)
{
	struct yaml_node *root = NULL;
	struct err err;

	if (yaml_parse(text, filling->file, ERR_CONFIG_SYNTAX, &filling->scratch, &root, &err) < 0)
		problem_add_placed(filling->errors, line_of(err.text, filling->file), err.code,
				   err.text);
	else
		fill_tree(filling, root);
}

/* `text` NULL: there is no file, or it could not be read. */
static int load_all(struct filling *filling, const struct str *text,
		    const struct config_overrides *overrides)
{
	char here[PATH_MAX];

	if (!getcwd(here, sizeof(here)))
		strcpy(here, "/");
	fill_defaults(filling);
	if (text)
		load_text(filling, *text);
	if (overrides && overrides->environment)
		override_environment(filling, overrides->environment, here);
	if (overrides)
		override_flags(filling, overrides->flags, overrides->flag_count, here);
	groups_apply(filling);
	filling->config->net.trusted_proxies = filling->config->edge.trusted_proxies;
	check_all(filling);
	problems_sort(filling->errors);
	arena_deinit(&filling->scratch);
	return filling->errors->count > 0 ? -EINVAL : 0;
}

int config_parse(struct str text, const char *file, const char *directory,
		 const struct config_overrides *overrides, struct config *out,
		 struct config_errors *errors)
{
	struct filling filling = {
		.config = out, .errors = errors, .file = file, .directory = directory};

	*out = (struct config){0};
	out->file = arena_strndup(&out->arena, str_from(file));
	return load_all(&filling, &text, overrides);
}

/* ---- from the file ---- */

static int read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	int result = fd_read_to_end(fd, CONFIG_MAX_BYTES, out);
	fd_close(&fd);
	return result;
}

/* Where the file's relative paths begin. */
static char *directory_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');
	const char *directory = "/";
	char real[PATH_MAX];

	if (!slash)
		directory = ".";
	else if (slash > path)
		directory = arena_strndup(arena, (struct str){path, (size_t)(slash - path)});
	return arena_strndup(arena, str_from(realpath(directory, real) ? real : directory));
}

static void report_file(struct filling *filling, int errnum)
{
	struct place place = {filling->file, 0, ""};
	char why[128];

	if (errnum == EFBIG)
		problem_add(filling->errors, place, ERR_CONFIG_FILE,
			    "is larger than %u KiB; is it the right file?", CONFIG_MAX_BYTES >> 10);
	else
		problem_add(filling->errors, place, ERR_CONFIG_FILE, "can't be read: %s",
			    strerror_r(errnum, why, sizeof(why)));
}

int config_load(const char *path, const struct config_overrides *overrides, struct config *out,
		struct config_errors *errors)
{
	struct filling filling = {
		.config = out, .errors = errors, .file = path ? path : "", .directory = "/"};
	struct buf bytes = {0};

	*out = (struct config){0};
	if (!path)
		return load_all(&filling, NULL, overrides);

	out->file = arena_strndup(&out->arena, str_from(path));
	filling.directory = directory_of(path, &out->arena);
	int result = read_file(path, &bytes);
	struct str text = {(const char *)buf_front(&bytes), buf_len(&bytes)};
	if (result < 0)
		report_file(&filling, -result);
	result = load_all(&filling, result < 0 ? NULL : &text, overrides);
	buf_deinit(&bytes);
	return result;
}

void config_free(struct config *config)
{
	arena_deinit(&config->arena);
	*config = (struct config){0};
}
