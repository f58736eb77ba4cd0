/* `plugctl whitelist add` and `verify`: pinning executables, and looking whether the pinned ones
 * are still the same. Works on the file alone, with the functions by which the host obeys it. */
#include "whitelist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/member.h"
#include "observe/errors.h"
#include "output.h"
#include "sign.h"
#include "subcommand.h"
#include "trust/exec.h"
#include "trust/libraries.h"
#include "trust/loader.h"
#include "trust/signature.h"
#include "trust/whitelist_file.h"

const struct arg_option whitelist_add_options[] = {
	WHITELIST_FILE_OPTION,
	{"name", 'n', "NAME", "only the plugin of this name may run it [any plugin]"},
	{"with-libraries", 'l', NULL, "pin the shared libraries that it loads, too"},
	{"metadata", 'm', "KEY=VALUE", "what the entry shall say besides; may be given again"},
	{NULL},
};

const struct arg_option whitelist_verify_options[] = {
	WHITELIST_FILE_OPTION,
	{"key", 'k', "KEY",
	 "a public key, as a line or a PEM file: the list must be signed by one"},
	{NULL},
};

const char *whitelist_file_of(const struct args *args)
{
	const char *file = args_value(args, "file");

	if (!file)
		file = getenv(WHITELIST_FILE_VARIABLE);
	return file && file[0] ? file : WHITELIST_DEFAULT_FILE;
}

struct whitelist *whitelist_load_or_tell(const char *file)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	whitelist_load(file, &list, &problems);
	for (size_t i = 0; i < problems.count; i++)
		output_error(&problems.rows[i].err);
	if (problems.more > 0)
		fprintf(stderr, "plugctl: and %zu more.\n", problems.more);
	whitelist_problems_deinit(&problems);
	return list;
}

void whitelist_note_signature(const char *file)
{
	char *path = signature_path(file);

	if (access(path, F_OK) == 0)
		output_note("note", "the signature fits no more; sign the list again: plugctl "
				    "whitelist sign");
	free(path);
}

/* ---- add ---- */

#define MAX_METADATA 100

struct pinning {
	struct whitelist_metadata metadata[MAX_METADATA]; /* of the executables themselves */
	size_t metadata_count;
	bool with_libraries;
	const char *file;
	json_t *list; /* for JSON output; NULL: text */
	bool has_changed;
};

static const char *change_name(enum whitelist_change change)
{
	switch (change) {
	case WHITELIST_ADDED:
		return "added";
	case WHITELIST_REPLACED:
		return "replaced";
	case WHITELIST_UNCHANGED:
		return "unchanged";
	}
	return "";
}

static void tell_change(const struct pinning *pinning, const struct whitelist_pin *pin,
			enum whitelist_change change)
{
	char digest[DIGEST_TEXT];
	json_t *object;
	char *line;

	digest_format(digest, &pin->digest);
	if (pinning->list) {
		object = json_object();
		member_text(object, "path", pin->path);
		member_text(object, "hash", digest);
		member_text(object, "change", change_name(change));
		json_array_append_new(pinning->list, object);
		return;
	}
	line = mem_printf("%s %s %s", change_name(change), digest, pin->path);
	output_line(line);
	free(line);
}

/* Every file that the loader would load for it, with its hash. The rows
 * are owned by the caller, their texts by *files. */
static int find_libraries(const struct exec_file *file, struct whitelist_pin *pin,
			  struct loader_files *files, struct err *err)
{
	int r = loader_list(file->fd, file->real, NULL, NULL, files, err);
	struct whitelist_library *rows = mem_array(files->count + 1, sizeof(rows[0]));

	for (size_t i = 0; r == 0 && i < files->count; i++) {
		rows[i].path = files->paths[i];
		r = libraries_hash(rows[i].path, &rows[i].digest, err);
	}
	pin->has_libraries = true;
	pin->libraries = rows;
	pin->library_count = files->count;
	return r;
}

static int pin_file(struct pinning *pinning, const struct exec_file *file, const char *name,
		    size_t metadata_count, struct err *err)
{
	struct whitelist_pin pin = {.name = name,
				    .path = file->real,
				    .digest = file->digest,
				    .metadata = pinning->metadata,
				    .metadata_count = metadata_count};
	enum whitelist_change change;
	struct loader_files files = {0};
	int r = 0;

	if (pinning->with_libraries)
		r = find_libraries(file, &pin, &files, err);
	if (r == 0)
		r = whitelist_pin(pinning->file, &pin, &change, err);
	free((void *)pin.libraries);
	loader_files_deinit(&files);
	if (r < 0)
		return r;
	pinning->has_changed = pinning->has_changed || change != WHITELIST_UNCHANGED;
	tell_change(pinning, &pin, change);
	return 0;
}

/* A script's interpreter runs too, so it is pinned too; for any plugin, because many scripts share
 * it. */
static int pin_image(struct pinning *pinning, const struct exec_image *image, const char *name,
		     struct err *err)
{
	int r = pin_file(pinning, &image->file, name, pinning->metadata_count, err);

	if (r == 0 && image->interpreter.fd >= 0)
		r = pin_file(pinning, &image->interpreter, NULL, 0, err);
	return r;
}

static int pin_path(struct pinning *pinning, const char *path, const char *name, struct err *err)
{
	char *real = realpath(path, NULL);
	struct exec_image *image;
	int r;

	if (!real)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "%s", path);
	r = exec_image_load_unpinned(real, &image, err);
	if (r == 0) {
		r = pin_image(pinning, image, name, err);
		exec_image_release(image);
	}
	free(real);
	return r;
}

/* False after telling. The texts stay those of the command line, cut in two. */
static bool take_metadata(const struct args *args, struct pinning *pinning)
{
	const char *given;
	size_t at = 0;

	while ((given = args_next(args, "metadata", &at))) {
		char *equals = strchr(given, '=');

		if (!equals || equals == given || pinning->metadata_count == MAX_METADATA) {
			usage_error("metadata is written KEY=VALUE, not \"%.60s\"", given);
			return false;
		}
		*equals = '\0';
		pinning->metadata[pinning->metadata_count++] =
			(struct whitelist_metadata){given, equals + 1};
	}
	return true;
}

enum exit_status run_whitelist_add(const struct plugctl *plugctl, const struct args *args)
{
	struct pinning pinning = {.file = whitelist_file_of(args),
				  .with_libraries = args_has(args, "with-libraries")};
	struct err err;
	int r = 0;

	if (args_has(args, "name") && args->operand_count > 1)
		return usage_error("a --name is for one executable; %d are given",
				   args->operand_count);
	if (!take_metadata(args, &pinning))
		return STATUS_USAGE;
	if (plugctl->is_json)
		pinning.list = json_array();
	for (int i = 0; i < args->operand_count && r == 0; i++)
		r = pin_path(&pinning, args->operands[i], args_value(args, "name"), &err);
	if (pinning.list)
		output_json(pinning.list);
	if (r < 0)
		output_error(&err);
	if (pinning.has_changed)
		whitelist_note_signature(pinning.file);
	json_decref(pinning.list);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* ---- verify ---- */

struct verification {
	struct table *table; /* of text output; NULL: JSON */
	json_t *list;
};

static const char *verdict_of(const struct err *err)
{
	if (err->code == 0)
		return "ok";
	return err->code == ERR_WHITELIST_DISABLED ? "disabled" : "FAIL";
}

static void on_result(void *user, const struct whitelist_entry *entry, const struct err *err)
{
	struct verification *verification = user;
	json_t *object;

	if (verification->table) {
		table_add(verification->table, verdict_of(err));
		table_add(verification->table, entry->name ? entry->name : "-");
		table_add(verification->table, entry->path);
		table_add(verification->table, err->code ? err->text : "-");
		return;
	}
	object = json_object();
	member_text(object, "verdict", verdict_of(err));
	member_text(object, "name", entry->name);
	member_text(object, "path", entry->path);
	member_text(object, "why", err->code ? err->text : NULL);
	json_array_append_new(verification->list, object);
}

static size_t verify(const struct plugctl *plugctl, const struct whitelist *whitelist)
{
	static const char *const headings[] = {"VERDICT", "NAME", "PATH", "WHY", NULL};
	struct verification verification = {0};
	size_t bad;

	if (plugctl->is_json)
		verification.list = json_array();
	else
		verification.table = table_new(headings);
	bad = whitelist_verify(whitelist, on_result, &verification);
	if (verification.table)
		table_print(verification.table, "The whitelist is empty.");
	else
		output_json(verification.list);
	json_decref(verification.list);
	return bad;
}

enum exit_status run_whitelist_verify(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = whitelist_file_of(args);
	struct whitelist *whitelist = whitelist_load_or_tell(file);
	bool good = whitelist != NULL;

	if (whitelist) {
		good = verify(plugctl, whitelist) == 0;
		good = sign_verify(file, args) && good;
	}
	whitelist_free(whitelist);
	return good ? STATUS_OK : STATUS_FAILED;
}
