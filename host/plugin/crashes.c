/* The crash capsules that are kept.
 *
 * Owns a directory's descriptor, or an array in memory. A file is written under another name and
 * renamed, so a capsule is there whole or not at all. The names sort by time, which makes the
 * oldest the first. It blocks for a small file now and then: restarts are paced by the supervisor,
 * so that is seldom. Files that are not its own it never touches. */
#include "plugin/crashes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/capsule.h"

#define SUFFIX	       ".json"
#define TEMPORARY_NAME ".capsule"
#define NAME_MAX_BYTES 160

struct crashes {
	struct log *log;
	unsigned keep;
	int directory;	/* -1: in memory */
	json_t *memory; /* the oldest first */
};

/* ---- files ---- */

/* "20261127T023001.123Z-echo-1-2.json" */
static bool is_capsule_name(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && len < NAME_MAX_BYTES &&
	       strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0 && strlen(name) > 20 &&
	       name[8] == 'T' && name[15] == '.' && name[19] == 'Z' && name[20] == '-';
}

static int select_capsule(const struct dirent *entry)
{
	return is_capsule_name(entry->d_name);
}

/* The names in the order of time. Returns their number; *out is owned, and so is each. */
static int list_names(const struct crashes *crashes, struct dirent ***out)
{
	int count = scandirat(crashes->directory, ".", out, select_capsule, alphasort);

	return count < 0 ? 0 : count;
}

static void free_names(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count > 0)
		free(names);
}

static json_t *read_file(const struct crashes *crashes, const char *name)
{
	int fd = openat(crashes->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t flags =
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL; /* lines of stderr may have any byte */
	json_t *capsule = fd >= 0 ? json_loadfd(fd, flags, NULL) : NULL;

	fd_close(&fd);
	if (json_is_object(capsule) && capsule_id(capsule))
		return capsule;
	json_decref(capsule);
	return NULL;
}

static int write_temporary(const struct crashes *crashes, const json_t *capsule)
{
	int fd = openat(crashes->directory, TEMPORARY_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : 0;

	if (fd >= 0 && json_dumpfd(capsule, fd, JSON_INDENT(2)) < 0)
		r = errno ? -errno : -EIO;
	fd_close(&fd);
	return r;
}

/* 0, or -errno. */
static int write_file(const struct crashes *crashes, const json_t *capsule)
{
	char *name = mem_printf("%s" SUFFIX, capsule_id(capsule));
	int r;

	errno = 0;
	r = write_temporary(crashes, capsule);
	if (r == 0 && renameat(crashes->directory, TEMPORARY_NAME, crashes->directory, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(crashes->directory, TEMPORARY_NAME, 0);
	free(name);
	return r;
}

static void remove_oldest_files(const struct crashes *crashes)
{
	struct dirent **names;
	int count = list_names(crashes, &names);

	for (int i = 0; i < count - (int)crashes->keep; i++)
		unlinkat(crashes->directory, names[i]->d_name, 0);
	free_names(names, count);
}

/* ---- life ---- */

static int open_directory(const char *path, struct err *err)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set_errno(err, ERR_CONFIG_FILE, errno,
				     "crashes.directory: '%s' can't be made", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_CONFIG_FILE, errno,
				     "crashes.directory: '%s' can't be opened", path);
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		err_set_errno(err, ERR_CONFIG_FILE, errno,
			      "crashes.directory: '%s' can't be written to", path);
		fd_close(&fd);
		return -EACCES;
	}
	return fd;
}

struct crashes *crashes_new(const struct crash_opts *opts, struct log *log, struct err *err)
{
	int directory = opts->directory ? open_directory(opts->directory, err) : -1;
	struct crashes *crashes;

	if (opts->directory && directory < 0)
		return NULL;
	crashes = mem_new(struct crashes);
	crashes->log = log;
	crashes->keep = opts->keep;
	crashes->directory = directory;
	crashes->memory = json_array();
	if (directory >= 0)
		remove_oldest_files(crashes);
	return crashes;
}

void crashes_free(struct crashes *crashes)
{
	if (!crashes)
		return;
	fd_close(&crashes->directory);
	json_decref(crashes->memory);
	free(crashes);
}

static void remove_oldest(struct crashes *crashes)
{
	if (crashes->directory >= 0)
		remove_oldest_files(crashes);
	while (json_array_size(crashes->memory) > crashes->keep)
		json_array_remove(crashes->memory, 0);
}

void crashes_limit(struct crashes *crashes, unsigned keep)
{
	crashes->keep = keep;
	remove_oldest(crashes);
}

void crashes_add(struct crashes *crashes, json_t *capsule)
{
	int r = 0;

	if (crashes->directory < 0)
		json_array_append(crashes->memory, capsule);
	else
		r = write_file(crashes, capsule);
	if (r < 0)
		log_event(crashes->log, LOG_ERROR, "crash.not_kept", strerror(-r),
			  LOG_STR("crash", capsule_id(capsule)));
	else
		log_event(crashes->log, LOG_INFO, "crash.kept", "plugctl crashes shows it",
			  LOG_STR("crash", capsule_id(capsule)));
	json_decref(capsule);
	remove_oldest(crashes);
}

/* ---- looking ---- */

static bool is_of(const json_t *capsule, const char *plugin)
{
	const char *of = json_string_value(json_object_get(capsule, "plugin"));

	return !plugin || (of && strcmp(of, plugin) == 0);
}

static json_t *list_memory(const struct crashes *crashes, const char *plugin)
{
	json_t *list = json_array();

	for (size_t i = json_array_size(crashes->memory); i-- > 0;) {
		json_t *capsule = json_array_get(crashes->memory, i);

		if (is_of(capsule, plugin))
			json_array_append(list, capsule);
	}
	return list;
}

static json_t *list_files(const struct crashes *crashes, const char *plugin)
{
	struct dirent **names;
	int count = list_names(crashes, &names);
	json_t *list = json_array();

	for (int i = count; i-- > 0;) {
		json_t *capsule = read_file(crashes, names[i]->d_name);

		if (capsule && is_of(capsule, plugin))
			json_array_append(list, capsule);
		json_decref(capsule);
	}
	free_names(names, count);
	return list;
}

json_t *crashes_list(const struct crashes *crashes, const char *plugin)
{
	return crashes->directory >= 0 ? list_files(crashes, plugin) : list_memory(crashes, plugin);
}

static json_t *find_in_memory(const struct crashes *crashes, const char *id)
{
	json_t *capsule;
	size_t i;

	json_array_foreach (crashes->memory, i, capsule) {
		if (strcmp(capsule_id(capsule), id) == 0)
			return json_incref(capsule);
	}
	return NULL;
}

json_t *crashes_find(const struct crashes *crashes, const char *id)
{
	json_t *capsule = NULL;
	char *name;

	if (crashes->directory < 0)
		return find_in_memory(crashes, id);
	name = mem_printf("%s" SUFFIX, id);
	if (is_capsule_name(name) && !strchr(name, '/'))
		capsule = read_file(crashes, name);
	free(name);
	return capsule;
}
