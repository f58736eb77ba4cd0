/* From two files to a list that may be believed. pins.c calls it for the host. Reads, never writes,
 * but for the serial of a list that was found good. Fails with problems, one for a signature. */
#include "trust/whitelist_signed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "trust/serial.h"
#include "trust/whitelist_file.h"

static int hash_text(struct str text, struct digest *out, struct err *err)
{
	if (digest_text(text, out) == 0)
		return 0;
	return err_set(err, ERR_SIGNATURE_WRONG, "OpenSSL has no SHA-256");
}

static int read_signature(const char *file, struct signature *out, struct err *err)
{
	struct buf text = {0};
	int rc = whitelist_read(file, &text, err);

	if (rc == 0)
		rc = signature_parse(whitelist_text(&text), file, out, err);
	else
		err->code = rc == -ENOENT ? ERR_SIGNATURE_MISSING : ERR_SIGNATURE_FILE;
	buf_deinit(&text);
	return rc;
}

int whitelist_check_seal(const char *file, struct str text, const struct ed25519_public *keys,
			 size_t count, struct whitelist_seal *seal_out, struct err *err)
{
	char *path = signature_path(file);
	struct signature signature;
	struct digest digest;
	int rc = read_signature(path, &signature, err);

	if (rc == 0)
		rc = hash_text(text, &digest, err);
	if (rc == 0)
		rc = signature_check(&signature, &digest, keys, count, path, err);
	if (rc == 0) {
		*seal_out = (struct whitelist_seal){.is_signed = true, .serial = signature.serial};
		memcpy(seal_out->key_id, signature.key_id, sizeof(seal_out->key_id));
	}
	free(path);
	return rc;
}

/* The keys of the configuration, which has checked them. Returns owned. */
static struct ed25519_public *take_keys(const struct trust_opts *opts, size_t *count_out)
{
	struct ed25519_public *keys;
	size_t count = 0;

	while (opts->public_keys && opts->public_keys[count])
		count++;
	keys = mem_array(count + 1, sizeof(keys[0]));
	for (size_t i = 0; i < count; i++)
		ed25519_parse(str_from(opts->public_keys[i]), &keys[i]);
	*count_out = count;
	return keys;
}

static int check_signature(const struct trust_opts *opts, struct str text,
			   struct whitelist_seal *seal, struct err *err)
{
	size_t count;
	struct ed25519_public *keys = take_keys(opts, &count);
	int rc = 0;

	if (count > 0)
		rc = whitelist_check_seal(opts->whitelist_file, text, keys, count, seal, err);
	if (rc == -ENOENT && !opts->require_signature)
		rc = 0;
	free(keys);
	return rc;
}

static int accept_serial(const struct trust_opts *opts, const struct whitelist *list,
			 const struct whitelist_seal *seal, struct err *err)
{
	if (!seal->is_signed || !opts->serial_file)
		return 0;
	return serial_accept(opts->serial_file, seal->serial, whitelist_digest(list), err);
}

/* Good in every way but perhaps in its serial. */
static int load_text(const struct trust_opts *opts, struct str text, struct whitelist **out,
		     struct whitelist_seal *seal, struct whitelist_problems *problems)
{
	struct err err = {0};
	int rc = check_signature(opts, text, seal, &err);

	if (rc < 0)
		return whitelist_problems_one(problems, &err, rc);
	rc = whitelist_parse(text, opts->whitelist_file, out, problems);
	if (rc < 0)
		return rc;
	rc = accept_serial(opts, *out, seal, &err);
	if (rc < 0) {
		whitelist_free(*out);
		*out = NULL;
		return whitelist_problems_one(problems, &err, rc);
	}
	return 0;
}

int whitelist_load_signed(const struct trust_opts *opts, struct whitelist **out,
			  struct whitelist_seal *seal_out, struct whitelist_problems *problems)
{
	struct buf text = {0};
	struct err err = {0};
	int rc = whitelist_read(opts->whitelist_file, &text, &err);

	*seal_out = (struct whitelist_seal){.is_signed = false};
	if (rc < 0)
		whitelist_problems_one(problems, &err, rc);
	else
		rc = load_text(opts, whitelist_text(&text), out, seal_out, problems);
	buf_deinit(&text);
	return rc;
}
