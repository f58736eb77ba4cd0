/* `plugctl token key` and `token password`: what stands in the files of API keys and of users. The
 * host is not asked, and nothing is written: what is printed is an entry to put into the file, and
 * of a key the key itself, once. A password is read and never an argument, because arguments are
 * for everybody to see. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/member.h"
#include "identity/api_keys.h"
#include "identity/expiry.h"
#include "identity/password.h"
#include "observe/errors.h"
#include "output.h"
#include "subcommand.h"

#define ENTRY_OPTIONS                                                                              \
	{"role", 'r', "ROLE", "one of its roles; again for more"},                                 \
		{"scope", 'c', "SCOPE", "one of its scopes; again for more"},                      \
		{"tenant", 't', "TENANT", "its tenant"},                                           \
	{                                                                                          \
		"expires", 'e', "TIME", "when it ends: 2027-01-31, or 2027-01-31T12:00:00Z"        \
	}

const struct arg_option token_key_options[] = {ENTRY_OPTIONS, {NULL}};
const struct arg_option token_password_options[] = {ENTRY_OPTIONS, {NULL}};

/* ---- the entry ---- */

static void add_list(json_t *entry, const struct args *args, const char *option, const char *name)
{
	json_t *list = json_array();
	const char *text;
	size_t at = 0;

	while ((text = args_next(args, option, &at)))
		json_array_append_new(list, text_json(str_from(text)));
	if (json_array_size(list) > 0)
		member_json(entry, name, list);
	else
		json_decref(list);
}

static bool complete_entry(json_t *entry, const struct args *args)
{
	const char *tenant = args_value(args, "tenant");
	const char *expires = args_value(args, "expires");
	int64_t wall_s;

	if (expires && !expiry_parse(str_from(expires), &wall_s))
		return false;
	add_list(entry, args, "role", "roles");
	add_list(entry, args, "scope", "scopes");
	if (tenant)
		member_text(entry, "tenant", tenant);
	if (expires)
		member_text(entry, "expires", expires);
	return true;
}

/* JSON on one line is YAML too. */
static void print_entry(const json_t *entry)
{
	char *text = json_dumps(entry, 0);

	printf("  - %s\n", text ? text : "");
	free(text);
}

static void tell(const struct plugctl *plugctl, json_t *entry, const char *key)
{
	json_t *object;

	if (!plugctl->is_json) {
		if (key)
			output_line(key);
		print_entry(entry);
		return;
	}
	object = json_object();
	if (key)
		member_text(object, "key", key);
	member_json(object, "entry", json_incref(entry));
	output_json(object);
	json_decref(object);
}

static enum exit_status fail(const char *why)
{
	struct err err;

	err_set(&err, ERR_IDENTITY_FILE, "%s", why);
	output_error(&err);
	return STATUS_FAILED;
}

static enum exit_status bad_time(void)
{
	return usage_error("--expires is no time; write 2027-01-31, or 2027-01-31T12:00:00Z");
}

/* ---- key ---- */

enum exit_status run_token_key(const struct plugctl *plugctl, const struct args *args)
{
	char key[API_KEY_TEXT], id[API_KEY_ID + 1], hash[API_KEY_HASH];
	json_t *entry = json_object();
	enum exit_status status = STATUS_OK;

	member_text(entry, "id", "");
	member_text(entry, "hash", "");
	member_text(entry, "subject", args->operands[0]);
	if (!complete_entry(entry, args)) {
		status = bad_time();
	} else if (!api_key_make(key, id, hash)) {
		status = fail("there is no randomness to make a key of");
	} else {
		member_text(entry, "id", id);
		member_text(entry, "hash", hash);
		tell(plugctl, entry, key);
	}
	OPENSSL_cleanse(key, sizeof(key));
	json_decref(entry);
	return status;
}

/* ---- password ---- */

/* One line of standard input; at a terminal it is asked for, and not shown. */
static bool read_password(char *out, size_t size)
{
	struct termios shown, hidden;
	bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	bool has_one;

	if (is_terminal) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fputs("password: ", stderr);
	}
	has_one = fgets(out, (int)size, stdin) != NULL;
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputs("\n", stderr);
	}
	if (has_one)
		out[strcspn(out, "\n")] = '\0';
	return has_one && out[0] != '\0' && strlen(out) < size - 1;
}

static enum exit_status hash_password(const struct plugctl *plugctl, json_t *entry,
				      const char *password)
{
	char hash[PASSWORD_TEXT];

	if (!password_make(str_from(password), hash))
		return fail("the password can't be hashed: no randomness, or no memory");
	member_text(entry, "hash", hash);
	tell(plugctl, entry, NULL);
	return STATUS_OK;
}

enum exit_status run_token_password(const struct plugctl *plugctl, const struct args *args)
{
	char password[PASSWORD_MAX_BYTES / 2];
	json_t *entry = json_object();
	enum exit_status status;

	member_text(entry, "name", args->operands[0]);
	member_text(entry, "hash", "");
	if (strchr(args->operands[0], ':'))
		status = usage_error("a user's name can't hold a colon (RFC 7617)");
	else if (!complete_entry(entry, args))
		status = bad_time();
	else if (!read_password(password, sizeof(password)))
		status = usage_error("give the password on standard input, as one line of 1 to %zu "
				     "bytes",
				     sizeof(password) - 2);
	else
		status = hash_password(plugctl, entry, password);
	OPENSSL_cleanse(password, sizeof(password));
	json_decref(entry);
	return status;
}
