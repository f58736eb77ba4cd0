/* Any bytes as what a client shows, and as a file of keys: read within their bounds or refused. The
 * first byte chooses. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "identity/credentials.h"
#include "identity/entries.h"
#include "identity/expiry.h"
#include "identity/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* As in config_fuzz.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static const char *check_any(struct str text)
{
	return NULL;
}

static const char *check_hash(struct str text)
{
	struct password_hash hash;
	const char *why = password_parse(text, &hash);

	assert(why || (hash.ln >= 12 && hash.ln <= 16 && hash.r > 0 && hash.p > 0));
	return NULL;
}

static void show(struct str text)
{
	struct http_field fields[] = {{STR_LITERAL("authorization"), text},
				      {STR_LITERAL("x-api-key"), text}};
	struct credential credential;
	uint8_t out[64];
	size_t len;

	for (size_t i = 0; i < 2; i++) {
		struct http_request request = {.fields = &fields[i], .field_count = 1};

		if (credentials_read(&request, 0xf, STR_LITERAL("x-api-key"), NULL, &credential) !=
		    CREDENTIALS_ONE)
			continue;
		assert(credential.text.data >= text.data &&
		       credential.text.data + credential.text.len <= text.data + text.len);
		if (base64_decode(credential.text, out, sizeof(out), &len))
			assert(len <= sizeof(out));
	}
}

static void read_file(struct str text)
{
	static const struct entries_kind kind = {"keys", "id", "api_key", check_any, check_hash};
	struct arena arena = {0};
	struct entries entries;
	struct err err;

	if (entries_parse(text, "file", &kind, &arena, &entries, &err) == 0) {
		for (size_t i = 0; i < entries.count; i++) {
			const struct entry *entry = &entries.items[i];

			assert(entries_find(&entries, entry->name) == entry);
			assert(entry->principal.subject.len > 0 && entry->principal.caller.len > 0);
		}
	}
	arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data + 1, size - 1};
	int64_t wall_s;

	if (size == 0)
		return 0;
	if (data[0] % 2)
		show(text);
	else
		read_file(text);
	expiry_parse(text, &wall_s);
	return 0;
}
