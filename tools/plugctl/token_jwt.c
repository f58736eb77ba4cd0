/* `plugctl token keypair` and `token jwt`: an issuer for tests and for small houses. The host is
 * not asked; who has the key makes tokens. The key is a file that nobody else can read, never an
 * argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/member.h"
#include "base/units.h"
#include "identity/jwt_key_file.h"
#include "observe/errors.h"
#include "output.h"
#include "subcommand.h"

#define KEY_VARIABLE	  "PLUGD_TOKEN_KEY"
#define DEFAULT_EXPIRY_MS INT64_C(300000)

const struct arg_option token_keypair_options[] = {
	{"algorithm", 'a', "NAME", "ES256, EdDSA, RS256, PS256, HS256 and so on [ES256]"},
	{"out", 'O', "FILE", "the private key; the public one is FILE.jwks.json"},
	{NULL},
};

const struct arg_option token_jwt_options[] = {
	{"key", 'k', "FILE", "the key that signs [" KEY_VARIABLE "]"},
	{"algorithm", 'a', "NAME", "where the key is good for several [the usual one]"},
	{"claim", 'c', "NAME=VALUE", "JSON, or else a text; again for more"},
	{"expires", 'e', "DURATION", "how long it is good [5m]"},
	{NULL},
};

/* JWT_ALG_COUNT: none is given. False: there is no such one, and that is said. */
static bool take_algorithm(const struct args *args, enum jwt_alg *out)
{
	const char *name = args_value(args, "algorithm");

	*out = name ? jwt_alg_find(str_from(name)) : JWT_ALG_COUNT;
	if (!name || *out != JWT_ALG_COUNT)
		return true;
	usage_error("\"%.40s\" is no algorithm of signatures; write one such as ES256, EdDSA or "
		    "HS256",
		    name);
	return false;
}

/* ---- keypair ---- */

static void tell_files(const struct plugctl *plugctl, const char *file, enum jwt_alg alg)
{
	bool is_secret = jwt_algs[alg].family == JWT_FAMILY_HMAC;
	char *public_file = is_secret ? NULL : mem_printf("%s.jwks.json", file);
	json_t *object;

	if (!plugctl->is_json) {
		output_note("signs", file);
		output_note("verifies", is_secret ? file : public_file);
	} else {
		object = json_object();
		member_text(object, "algorithm", jwt_algs[alg].name);
		member_text(object, "private_file", file);
		member_text(object, "jwks_file", public_file);
		output_json(object);
		json_decref(object);
	}
	free(public_file);
}

enum exit_status run_token_keypair(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = args_value(args, "out");
	enum jwt_alg alg;
	struct err err;

	if (!file || !file[0])
		return usage_error("where shall the private key go? Write --out FILE");
	if (!take_algorithm(args, &alg))
		return STATUS_USAGE;
	if (alg == JWT_ALG_COUNT)
		alg = JWT_ES256;
	if (jwt_key_file_make(file, alg, &err) < 0) {
		output_error(&err);
		return STATUS_FAILED;
	}
	tell_files(plugctl, file, alg);
	return STATUS_OK;
}

/* ---- jwt ---- */

static json_t *value_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	return value ? value : text_json(str_from(text));
}

/* Without those given. */
static json_t *usual_claims(int64_t expires_ms)
{
	int64_t now_s = clock_wall_ms() / 1000;
	json_t *claims = json_object();

	member_int(claims, "iat", now_s);
	member_int(claims, "exp", now_s + expires_ms / 1000);
	return claims;
}

/* False: one is malformed, and that is said. */
static bool add_claims(json_t *claims, const struct args *args)
{
	const char *text;
	size_t at = 0;

	while ((text = args_next(args, "claim", &at))) {
		const char *equals = strchr(text, '=');
		char *name;

		if (!equals || equals == text) {
			usage_error("\"%.60s\" is no claim; write NAME=VALUE", text);
			return false;
		}
		name = mem_strndup((struct str){text, (size_t)(equals - text)});
		if (json_object_set_new(claims, name, value_of(equals + 1)) < 0) {
			usage_error("the name of a claim is UTF-8");
			free(name);
			return false;
		}
		free(name);
	}
	return true;
}

static enum exit_status print_token(const struct plugctl *plugctl, const char *file,
				    enum jwt_alg alg, const json_t *claims)
{
	struct jwt_key_file key;
	struct err err;
	json_t *object;
	char *token;

	if (jwt_key_file_load(file, alg, &key, &err) < 0) {
		output_error(&err);
		return STATUS_FAILED;
	}
	token = jwt_sign(&key.signer, NULL, claims);
	jwt_key_file_deinit(&key);
	if (!token) {
		err_set(&err, ERR_TOKEN_KEY, "%s: OpenSSL can't sign with it", file);
		output_error(&err);
		return STATUS_FAILED;
	}
	if (plugctl->is_json) {
		object = json_object();
		member_text(object, "token", token);
		output_json(object);
		json_decref(object);
	} else {
		output_line(token);
	}
	free(token);
	return STATUS_OK;
}

enum exit_status run_token_jwt(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = args_value(args, "key");
	const char *expires = args_value(args, "expires");
	int64_t expires_ms = DEFAULT_EXPIRY_MS;
	enum exit_status status = STATUS_USAGE;
	enum jwt_alg alg;
	json_t *claims;

	if (!file)
		file = getenv(KEY_VARIABLE);
	if (!file || !file[0])
		return usage_error("which key? Write --key FILE, or set " KEY_VARIABLE);
	if (expires && !units_parse_duration_ms(str_from(expires), &expires_ms))
		return usage_error("\"%.40s\" is no duration; write one such as 5m", expires);
	if (!take_algorithm(args, &alg))
		return STATUS_USAGE;
	claims = usual_claims(expires_ms);
	if (add_claims(claims, args))
		status = print_token(plugctl, file, alg, claims);
	json_decref(claims);
	return status;
}
