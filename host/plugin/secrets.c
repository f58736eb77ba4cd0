/* The secrets of one generation of a plugin.
 *
 * Owns their values, each in locked memory of its own, from the generation's start until its last
 * instance is gone: an instance that is started again gets what the first one got, whatever lies at
 * the source by then. The pool loads them, an instance hands them over in HELLO, and whatever the
 * plugin says is searched for them. Fails by a sentence that never has a value in it. */
#include "plugin/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "trust/secret_source.h"

struct entry {
	char *name;
	struct secret value;
};

struct secrets {
	unsigned holders;
	size_t count;
	size_t bytes;
	struct entry entries[SECRETS_MAX];
	struct redactor redactor;
};

static int load_one(struct secrets *secrets, const char *text, struct err *err)
{
	struct entry *entry = &secrets->entries[secrets->count];
	const char *source = strchr(text, '=');
	int r;

	if (!source || secrets->count == SECRETS_MAX)
		return err_set(err, ERR_SECRET_MISSING, "a plugin has %d secrets at most",
			       SECRETS_MAX);
	entry->name = mem_strndup((struct str){text, (size_t)(source - text)});
	secrets->count++;
	r = secret_source_read(source + 1, &entry->value, err);
	if (r < 0) {
		err_prefix(err, "secret %s", entry->name);
		return r;
	}
	secrets->bytes += entry->value.len;
	if (secrets->bytes > SECRETS_MAX_BYTES)
		return err_set(err, ERR_SECRET_SIZE,
			       "secret %s: all secrets of a plugin together have 256 KiB at most",
			       entry->name);
	redactor_add(&secrets->redactor, entry->name,
		     (struct wire_bytes){entry->value.data, entry->value.len});
	return 0;
}

int secrets_load(char *const *sources, struct secrets **out, struct err *err)
{
	struct secrets *secrets;

	*out = NULL;
	if (!sources || !sources[0])
		return 0;
	secret_forbid_dumps();
	secrets = mem_new(struct secrets);
	secrets->holders = 1;
	for (size_t i = 0; sources[i]; i++) {
		int r = load_one(secrets, sources[i], err);

		if (r < 0) {
			secrets_release(secrets);
			return r;
		}
	}
	*out = secrets;
	return 0;
}

struct secrets *secrets_hold(struct secrets *secrets)
{
	if (secrets)
		secrets->holders++;
	return secrets;
}

void secrets_release(struct secrets *secrets)
{
	if (!secrets || --secrets->holders > 0)
		return;
	redactor_deinit(&secrets->redactor);
	for (size_t i = 0; i < secrets->count; i++) {
		secret_free(&secrets->entries[i].value);
		free(secrets->entries[i].name);
	}
	free(secrets);
}

size_t secrets_count(const struct secrets *secrets)
{
	return secrets ? secrets->count : 0;
}

const char *secrets_name(const struct secrets *secrets, size_t i)
{
	return secrets->entries[i].name;
}

struct wire_bytes secrets_value(const struct secrets *secrets, size_t i)
{
	const struct secret *value = &secrets->entries[i].value;

	return (struct wire_bytes){value->data, value->len};
}

bool secrets_are_locked(const struct secrets *secrets)
{
	for (size_t i = 0; i < secrets_count(secrets); i++) {
		if (!secrets->entries[i].value.is_locked)
			return false;
	}
	return true;
}

const struct redactor *secrets_redactor(const struct secrets *secrets)
{
	return secrets ? &secrets->redactor : NULL;
}
