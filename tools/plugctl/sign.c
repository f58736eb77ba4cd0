/* `plugctl whitelist keygen` and `sign`, and the check of a signature in `verify`: who vouches for
 * the list. Works on files alone; the host's memory of serials is not asked. */
#include "sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/member.h"
#include "observe/errors.h"
#include "output.h"
#include "subcommand.h"
#include "trust/file_replace.h"
#include "trust/whitelist_file.h"
#include "trust/whitelist_signed.h"
#include "whitelist.h"

#define KEY_VARIABLE   "PLUGD_WHITELIST_KEY"
#define SIGNATURE_MODE 0644
#define MAX_KEYS       16

const struct arg_option whitelist_keygen_options[] = {
	{"out", 'O', "FILE", "the private key; the public one is FILE.pub"},
	{NULL},
};

const struct arg_option whitelist_sign_options[] = {
	WHITELIST_FILE_OPTION,
	{"key", 'k', "FILE", "the private key [" KEY_VARIABLE "]"},
	{"serial", 'n', "N",
	 "the how-manieth list it is [one more than the signature that is there]"},
	{NULL},
};

/* ---- keygen ---- */

static void tell_keys(const struct plugctl *plugctl, const struct ed25519_public *key,
		      const char *file)
{
	char text[ED25519_PUBLIC_TEXT];
	char id[ED25519_ID_TEXT];
	json_t *object;

	if (!plugctl->is_json) {
		output_line(ed25519_format(text, key));
		return;
	}
	object = json_object();
	member_text(object, "public_key", ed25519_format(text, key));
	member_text(object, "id", ed25519_id(id, key));
	member_text(object, "private_file", file);
	output_json(object);
	json_decref(object);
}

enum exit_status run_whitelist_keygen(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = args_value(args, "out");
	struct ed25519_private *key;
	struct ed25519_public public;
	struct err err;
	int r;

	if (!file || !file[0])
		return usage_error("where shall the private key go? Write --out FILE");
	key = ed25519_generate();
	r = key ? ed25519_write(key, file, &err)
		: err_set(&err, ERR_KEY_FILE, "OpenSSL can't make an Ed25519 key");
	if (r < 0) {
		output_error(&err);
	} else {
		ed25519_public_of(key, &public);
		tell_keys(plugctl, &public, file);
	}
	ed25519_private_free(key);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* ---- sign ---- */

/* One more than the serial of the signature at `path`; 1 when there is none. */
static int next_serial(const char *path, uint64_t *out, struct err *err)
{
	struct signature old;
	struct buf text = {0};
	int r = whitelist_read(path, &text, err);

	*out = 1;
	if (r == 0) {
		r = signature_parse(whitelist_text(&text), path, &old, err);
		*out = old.serial + 1;
	} else if (r == -ENOENT) {
		r = 0;
	}
	if (r < 0)
		err_prefix(err, "the last serial is not known; give --serial");
	buf_deinit(&text);
	return r;
}

/* Nobody should sign what the host would refuse, nor half a file. */
static int digest_list(const char *file, struct digest *out, struct err *err)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;
	struct buf text = {0};
	int r = whitelist_read(file, &text, err);

	if (r == 0 && (r = whitelist_parse(whitelist_text(&text), file, &list, &problems)) < 0)
		*err = problems.rows[0].err;
	if (r == 0)
		*out = *whitelist_digest(list);
	whitelist_problems_deinit(&problems);
	whitelist_free(list);
	buf_deinit(&text);
	return r;
}

static int write_signature(const char *path, const struct signature *signature, struct err *err)
{
	struct buf text = {0};
	int r;

	signature_format(signature, &text);
	r = file_write(path, whitelist_text(&text), SIGNATURE_MODE);
	if (r < 0)
		err_set_errno(err, ERR_SIGNATURE_FILE, -r, "%s can't be written", path);
	buf_deinit(&text);
	return r;
}

static int sign(const char *file, const char *path, const char *key_file, uint64_t serial,
		struct signature *out, struct err *err)
{
	struct ed25519_private *key = NULL;
	struct digest digest;
	int r = 0;

	if (serial == 0)
		r = next_serial(path, &serial, err);
	if (r == 0)
		r = ed25519_load_private(key_file, &key, err);
	if (r == 0)
		r = digest_list(file, &digest, err);
	if (r == 0 && (r = signature_make(key, &digest, serial, out)) < 0)
		err_set(err, ERR_SIGNATURE_FILE, "OpenSSL can't sign");
	if (r == 0)
		r = write_signature(path, out, err);
	ed25519_private_free(key);
	return r;
}

static void tell_signature(const struct plugctl *plugctl, const struct signature *signature,
			   const char *path)
{
	json_t *object;
	char *line;

	if (!plugctl->is_json) {
		line = mem_printf("signed %s key %s serial %ju", path, signature->key_id,
				  (uintmax_t)signature->serial);
		output_line(line);
		free(line);
		return;
	}
	object = json_object();
	member_text(object, "signature", path);
	member_text(object, "key", signature->key_id);
	json_object_set_new(object, "serial", json_integer((json_int_t)signature->serial));
	output_json(object);
	json_decref(object);
}

enum exit_status run_whitelist_sign(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = whitelist_file_of(args);
	const char *key = args_value(args, "key");
	const char *number = args_value(args, "serial");
	struct signature signature;
	uint64_t serial = 0;
	struct err err;
	char *path;
	int r;

	if (!key)
		key = getenv(KEY_VARIABLE);
	if (!key || !key[0])
		return usage_error("which key? Write --key FILE, or set " KEY_VARIABLE);
	if (number && (!str_to_u64(str_from(number), SIGNATURE_MAX_SERIAL, &serial) || serial == 0))
		return usage_error("\"%.40s\" is no serial; write a number from 1 to "
				   "999999999999999",
				   number);
	path = signature_path(file);
	r = sign(file, path, key, serial, &signature, &err);
	if (r < 0)
		output_error(&err);
	else
		tell_signature(plugctl, &signature, path);
	free(path);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* ---- verify ---- */

static int take_key(const char *text, struct ed25519_public *out, struct err *err)
{
	if (ed25519_parse(str_from(text), out) == NULL)
		return 0;
	return ed25519_load_public(text, out, err);
}

bool sign_verify(const char *file, const struct args *args)
{
	struct ed25519_public keys[MAX_KEYS];
	struct whitelist_seal seal;
	struct buf text = {0};
	const char *value;
	struct err err;
	size_t count = 0;
	size_t at = 0;
	int r = 0;

	while (r == 0 && count < MAX_KEYS && (value = args_next(args, "key", &at)))
		r = take_key(value, &keys[count++], &err);
	if (count == 0)
		return true;
	if (r == 0)
		r = whitelist_read(file, &text, &err);
	if (r == 0)
		r = whitelist_check_seal(file, whitelist_text(&text), keys, count, &seal, &err);
	buf_deinit(&text);
	if (r < 0) {
		output_error(&err);
		return false;
	}
	value = mem_printf("good, key %s, serial %ju", seal.key_id, (uintmax_t)seal.serial);
	output_note("signature", value);
	free((char *)value);
	return true;
}
