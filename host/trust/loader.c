/* Searching as the dynamic loader does, breadth first. Everything that is found is opened once,
 * shown to the caller, and only then read: so the host reads nothing that isn't pinned. A way of
 * asking that this doesn't follow refuses the program; nothing is guessed. */
#include "trust/loader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "trust/elf_needs.h"
#include "trust/ld_cache.h"

#define MAX_FILES   512
#define CACHE_FILE  "/etc/ld.so.cache"
#define CACHE_BYTES (16u << 20)
#define PRELOAD	    "/etc/ld.so.preload"

/* A file and who asked for it. */
struct object {
	struct elf_needs needs;
	char *origin; /* its directory; owned */
	size_t by;    /* index of who loads it; itself: the program */
};

struct search {
	struct object *objects;
	size_t count;
	struct buf cache;
	const char *program;
	loader_file_fn *on_file;
	void *user;
	struct loader_files *files; /* files->paths[i] is objects[i + 1] */
	struct err *err;
};

static int refuse(struct search *search, size_t by, const char *name, const char *why)
{
	const char *who = by == 0 ? search->program : search->files->paths[by - 1];

	return err_set(search->err, ERR_LIBRARY_UNKNOWN, "'%s', which '%s' loads, %s", name, who,
		       why);
}

/* ---- what is found ---- */

static bool is_known(const struct search *search, const char *real)
{
	for (size_t i = 0; i < search->files->count; i++) {
		if (strcmp(search->files->paths[i], real) == 0)
			return true;
	}
	return false;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash > path ? mem_strndup((struct str){path, (size_t)(slash - path)})
			    : mem_strdup("/");
}

/* By the first bytes alone: the loader passes over what is for another machine. */
static bool fits(const struct search *search, int fd)
{
	const struct elf_needs *program = &search->objects[0].needs;
	unsigned char head[20];
	uint16_t machine;

	if (pread(fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head, "\177ELF", 4) != 0)
		return false;
	memcpy(&machine, head + 18, sizeof(machine));
	return machine == program->machine && (head[4] == 2 ? 64 : 32) == program->bits;
}

/* 1: it is one and is in the list now; 0: no file of this machine's kind. */
static int take_open(struct search *search, size_t by, const char *real, int fd)
{
	struct object *object = &search->objects[search->count];
	int rc = 0;

	if (!fits(search, fd))
		return 0;
	if (search->on_file)
		rc = search->on_file(search->user, real, fd, search->err);
	if (rc == 0)
		rc = elf_needs_read(fd, real, &object->needs, search->err);
	if (rc < 0)
		return rc;
	object->origin = directory_of(real);
	object->by = by;
	search->files->paths[search->files->count++] = mem_strdup(real);
	search->count++;
	return 1;
}

/* The same for a path; what isn't there is no file. */
static int take_path(struct search *search, size_t by, const char *path)
{
	char real[PATH_MAX];
	struct stat status;
	int rc = 0;
	int fd;

	if (!realpath(path, real))
		return 0;
	if (is_known(search, real))
		return 1;
	if (search->count == MAX_FILES)
		return refuse(search, by, path, "is one library too many");
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		rc = take_open(search, by, real, fd);
	fd_close(&fd);
	return rc;
}

/* ---- where it is searched ---- */

/* directory/name, and what stands beside it for better processors: any of them may be taken. */
static int take_in_directory(struct search *search, size_t by, const char *directory,
			     const char *name)
{
	char *path = mem_printf("%s/%s", directory, name);
	char *variants = mem_printf("%s/glibc-hwcaps", directory);
	DIR *stream = opendir(variants);
	struct dirent *row;
	int found = take_path(search, by, path);

	free(path);
	while (found >= 0 && stream && (row = readdir(stream))) {
		int rc = 0;

		path = mem_printf("%s/%s/%s", variants, row->d_name, name);
		if (row->d_name[0] != '.')
			rc = take_path(search, by, path);
		found = rc != 0 ? rc : found;
		free(path);
	}
	if (stream)
		closedir(stream);
	free(variants);
	return found;
}

/* "$ORIGIN/../lib" with the directory of who says it. Returns owned; NULL: something else is in it,
 * or it isn't absolute. */
static char *expand(struct str part, const char *origin)
{
	static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
	char *text = mem_strndup(part);

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(text, names[i], len) == 0) {
			char *whole = mem_printf("%s%s", origin, text + len);

			free(text);
			text = whole;
			break;
		}
	}
	if (text[0] == '/' && !strchr(text, '$'))
		return text;
	free(text);
	return NULL;
}

/* The directories of a path "a:b". */
static int take_in_list(struct search *search, size_t by, const char *list, const char *origin,
			const char *name)
{
	int found = 0;

	while (list && *list && found == 0) {
		size_t len = strcspn(list, ":");
		char *directory = expand((struct str){list, len}, origin);

		if (!directory)
			return refuse(search, by, name,
				      "is searched in a directory that is not absolute");
		found = take_in_directory(search, by, directory, name);
		free(directory);
		list += len + (list[len] == ':');
	}
	return found;
}

/* RPATH counts for those that are loaded too, but not for one with a RUNPATH. */
static int take_by_rpath(struct search *search, size_t by, const char *name)
{
	int found = 0;

	if (search->objects[by].needs.runpath)
		return 0;
	for (size_t i = by; found == 0; i = search->objects[i].by) {
		const struct object *object = &search->objects[i];

		if (!object->needs.runpath)
			found = take_in_list(search, by, object->needs.rpath, object->origin, name);
		if (i == object->by)
			break;
	}
	return found;
}

static int take_by_cache(struct search *search, size_t by, const char *name)
{
	struct str bytes = {(const char *)buf_front(&search->cache), buf_len(&search->cache)};
	struct str path;
	size_t at = 0;
	int found = 0;

	while (found >= 0 && (path = ld_cache_next(bytes, str_from(name), &at)).len > 0) {
		char *text = mem_strndup(path);
		int rc = take_path(search, by, text);

		found = rc != 0 ? rc : found;
		free(text);
	}
	return found;
}

static int take_by_default(struct search *search, size_t by, const char *name)
{
	static const char *const directories[] = {
#if defined(__x86_64__)
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
		"/lib/aarch64-linux-gnu",
		"/usr/lib/aarch64-linux-gnu",
#endif
		"/lib64",
		"/usr/lib64",
		"/lib",
		"/usr/lib"
	};
	int found = 0;

	for (size_t i = 0; found == 0 && i < sizeof(directories) / sizeof(directories[0]); i++)
		found = take_in_directory(search, by, directories[i], name);
	return found;
}

static int take_name(struct search *search, size_t by, const char *name)
{
	const struct object *object = &search->objects[by];
	int found;

	if (name[0] == '/')
		found = take_path(search, by, name);
	else if (strpbrk(name, "/$"))
		return refuse(search, by, name, "is named relative to something");
	else
		found = take_by_rpath(search, by, name);
	if (found == 0 && name[0] != '/')
		found = take_in_list(search, by, object->needs.runpath, object->origin, name);
	if (found == 0 && name[0] != '/' && !object->needs.no_default) {
		found = take_by_cache(search, by, name);
		if (found == 0)
			found = take_by_default(search, by, name);
	}
	return found == 0 ? refuse(search, by, name, "is not found") : found;
}

/* ---- all of them ---- */

static int take_needs(struct search *search, size_t by)
{
	const struct elf_needs *needs = &search->objects[by].needs;
	int rc = 0;

	if (needs->odd)
		return refuse(search, by, needs->odd, "loads more than can be told");
	if (by == 0 && needs->loader)
		rc = take_name(search, by, needs->loader);
	for (size_t i = 0; rc >= 0 && needs->needed[i]; i++)
		rc = take_name(search, by, needs->needed[i]);
	return rc < 0 ? rc : 0;
}

/* Appends what is in the file; without one, nothing. */
static void read_whole(const char *file, struct buf *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		fd_read_to_end(fd, CACHE_BYTES, out);
	fd_close(&fd);
}

static int take_preloads(struct search *search)
{
	struct buf text = {0};
	char *rest = NULL;
	char *name;
	int rc = 0;

	read_whole(PRELOAD, &text);
	buf_append(&text, "", 1);
	name = strtok_r((char *)buf_front(&text), " \t\n:", &rest);
	for (; rc >= 0 && name; name = strtok_r(NULL, " \t\n:", &rest))
		rc = take_name(search, 0, name);
	buf_deinit(&text);
	return rc < 0 ? rc : 0;
}

static int search_all(struct search *search, int fd)
{
	struct object *program = &search->objects[0];
	int rc = elf_needs_read(fd, search->program, &program->needs, search->err);

	program->origin = mem_strdup("/");
	search->count = 1;
	/* Without a loader nothing is loaded: a static program, a script. */
	if (rc < 0 || !program->needs.loader)
		return rc;
	read_whole(CACHE_FILE, &search->cache);
	rc = take_preloads(search);
	for (size_t i = 0; rc == 0 && i < search->count; i++)
		rc = take_needs(search, i);
	return rc;
}

int loader_list(int fd, const char *path, loader_file_fn *on_file, void *user,
		struct loader_files *out, struct err *err)
{
	struct search search = {.program = path,
				.on_file = on_file,
				.user = user,
				.files = out,
				.err = err,
				.objects = mem_array(MAX_FILES, sizeof(struct object))};
	int rc;

	out->paths = mem_array(MAX_FILES, sizeof(char *));
	rc = search_all(&search, fd);
	for (size_t i = 0; i < MAX_FILES; i++) {
		elf_needs_deinit(&search.objects[i].needs);
		free(search.objects[i].origin);
	}
	free(search.objects);
	buf_deinit(&search.cache);
	return rc;
}

void loader_files_deinit(struct loader_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
	*files = (struct loader_files){.count = 0};
}
