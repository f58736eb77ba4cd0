/* Any bytes as a whitelist: either it is refused with at least one problem, or everything that it
 * lists is found again, and a pin can be added to it or is refused, without the text becoming one
 * that doesn't parse. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "trust/place.h"
#include "trust/whitelist.h"
#include "trust/whitelist_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 2 KiB when a quoted text doesn't end; that is once per broken file of an
 * operator. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static void check_lookups(const struct whitelist *list)
{
	for (size_t i = 0; i < whitelist_count(list); i++) {
		const struct whitelist_entry *entry = whitelist_at(list, i);
		struct whitelist_question question = {entry->path, entry->path, entry->name};
		const struct whitelist_entry *found = NULL;
		struct err err = {0};

		assert(place_is_plain(str_from(entry->path)));
		assert(whitelist_find_path(list, entry->path) == entry);
		assert(!entry->name || whitelist_find_name(list, entry->name) == entry);
		assert((whitelist_admit(list, &question, &found, &err) == 0) == entry->enabled);
		assert(whitelist_check(list, entry, &entry->digest, &err) == 0);
	}
}

static void check_pin(struct str text, const char *path)
{
	struct whitelist_pin pin = {.name = NULL, .path = path};
	struct whitelist_problems problems = {0};
	enum whitelist_change change;
	struct whitelist *list = NULL;
	struct err err = {0};
	struct buf out = {0};

	memset(pin.digest.bytes, 0xa5, sizeof(pin.digest.bytes));
	if (whitelist_edit(text, "fuzz", &pin, &out, &change, &err) < 0) {
		assert(err.code != 0);
	} else {
		struct str edited = {(char *)buf_front(&out), buf_len(&out)};

		assert(whitelist_parse(edited, "fuzz", &list, &problems) == 0);
		assert(digest_eq(&whitelist_find_path(list, path)->digest, &pin.digest));
		whitelist_free(list);
	}
	buf_deinit(&out);
}

static void check_removal(struct str text, const struct whitelist_entry *entry, size_t count)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;
	struct err err = {0};
	struct buf out = {0};

	if (whitelist_remove(text, "fuzz", entry->path, &out, &err) < 0) {
		assert(err.code != 0);
	} else {
		struct str edited = {(char *)buf_front(&out), buf_len(&out)};

		assert(whitelist_parse(edited, "fuzz", &list, &problems) == 0);
		assert(!whitelist_find_path(list, entry->path));
		assert(whitelist_count(list) == count - 1);
		whitelist_free(list);
	}
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	if (whitelist_parse(text, "fuzz", &list, &problems) < 0) {
		assert(problems.count > 0 && problems.rows[0].err.code != 0);
		whitelist_problems_deinit(&problems);
		return 0;
	}
	check_lookups(list);
	if (whitelist_count(list) > 0)
		check_pin(text, whitelist_at(list, 0)->path);
	for (size_t i = 0; i < whitelist_count(list) && i < 8; i++)
		check_removal(text, whitelist_at(list, i), whitelist_count(list));
	check_pin(text, "/opt/new");
	whitelist_free(list);
	return 0;
}
