/* Users with passwords.
 *
 * A login costs what scrypt costs, in the loop's thread; logins.c bounds how often. Who isn't there
 * is held against a hash that nobody's password gives, of the highest cost in the file, so that the
 * time tells nothing about who is. The file's users are a book's; method.c has the row. */
#include "identity/basic.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"
#include "identity/book.h"
#include "identity/entries.h"
#include "identity/identity.h"
#include "identity/logins.h"
#include "identity/password.h"

struct users {
	struct arena arena;
	struct entries entries;
	struct password_hash nobody;
};

static const char *check_name(struct str name)
{
	return memchr(name.data, ':', name.len) ? "may not hold a colon (RFC 7617)" : NULL;
}

static const char *check_hash(struct str text)
{
	struct password_hash hash;

	return password_parse(text, &hash);
}

static uint64_t cost_of(const struct password_hash *hash)
{
	return (UINT64_C(1) << hash->ln) * hash->r * hash->p;
}

/* As dear as the dearest; its hash is zeroes, which no password is known to give. */
static void make_nobody(struct users *users)
{
	struct password_hash hash;

	users->nobody = (struct password_hash){.ln = PASSWORD_LN,
					       .r = PASSWORD_R,
					       .p = PASSWORD_P,
					       .salt_len = PASSWORD_SALT_BYTES};
	for (size_t i = 0; i < users->entries.count; i++) {
		password_parse(users->entries.items[i].hash, &hash);
		if (i > 0 && cost_of(&hash) <= cost_of(&users->nobody))
			continue;
		users->nobody.ln = hash.ln;
		users->nobody.r = hash.r;
		users->nobody.p = hash.p;
	}
}

struct users *users_new(const char *path, struct err *err)
{
	static const struct entries_kind kind = {.list = "users",
						 .name = "name",
						 .method = "basic",
						 .check_name = check_name,
						 .check_hash = check_hash};
	struct users *users = mem_new(struct users);

	if (entries_read(path, &kind, &users->arena, &users->entries, err) < 0) {
		users_free(users);
		return NULL;
	}
	make_nobody(users);
	return users;
}

void users_free(struct users *users)
{
	if (!users)
		return;
	arena_deinit(&users->arena);
	free(users);
}

/* ---- a login ---- */

struct login {
	struct str user;
	struct str password;
	uint8_t text[PASSWORD_MAX_BYTES];
};

static bool read_login(const struct proof *proof, struct login *out)
{
	size_t len;
	const uint8_t *colon;

	if (!base64_decode(proof->credential.text, out->text, sizeof(out->text), &len))
		return false;
	colon = memchr(out->text, ':', len);
	if (!colon)
		return false;
	out->user = (struct str){(const char *)out->text, (size_t)(colon - out->text)};
	out->password = (struct str){(const char *)colon + 1, len - out->user.len - 1};
	return true;
}

static void forget(struct login *login)
{
	OPENSSL_cleanse(login, sizeof(*login));
}

void basic_peek(struct proof *proof)
{
	struct login login;

	if (read_login(proof, &login))
		proof->claimed = arena_str(proof->arena, login.user);
	forget(&login);
}

static enum verdict refuse(struct proof *proof, const char *why)
{
	proof->why = why;
	return VERDICT_REFUSED;
}

static enum verdict accept(struct proof *proof, const struct entry *entry)
{
	if (proof->wall_s >= entry->expires_s)
		return refuse(proof, "the user has expired");
	proof->principal = &entry->principal;
	return VERDICT_ACCEPTED;
}

/* The dear part. */
static enum verdict hash_it(struct proof *proof, const struct users *users,
			    const struct entry *entry, struct str password)
{
	const struct identity_opts *opts = book_opts(proof->book);
	struct password_hash hash = users->nobody;
	int64_t wait_ms;
	bool is_right;

	if (!logins_may_hash(identity_logins(proof->identity), opts->logins_per_second,
			     proof->now_us, &wait_ms)) {
		proof->retry_after_ms = (uint32_t)wait_ms;
		proof->why = "more passwords come than identity.basic.per_second";
		return VERDICT_BUSY;
	}
	if (entry)
		password_parse(entry->hash, &hash);
	is_right = password_is(&hash, password);
	if (!entry || !is_right)
		return refuse(proof, "no such user, or another password");
	return accept(proof, entry);
}

static enum verdict judge(struct proof *proof, const struct users *users, const struct login *login)
{
	const struct entry *entry = entries_find(&users->entries, login->user);
	struct logins *logins = identity_logins(proof->identity);
	struct login_mark mark;
	bool has_mark =
		entry && logins_mark(logins, login->user, login->password, entry->hash, &mark);
	enum verdict verdict;

	if (has_mark && logins_remember(logins, &mark, proof->now_us))
		return accept(proof, entry);
	verdict = hash_it(proof, users, entry, login->password);
	if (has_mark && verdict == VERDICT_ACCEPTED)
		logins_add(logins, &mark, proof->now_us, book_opts(proof->book)->login_memory_ms);
	return verdict;
}

enum verdict basic_verify(struct proof *proof)
{
	const struct users *users = book_users(proof->book);
	struct login login;
	enum verdict verdict;

	if (users && read_login(proof, &login))
		verdict = judge(proof, users, &login);
	else
		verdict = refuse(proof, "what follows Basic is not user:password in base64");
	forget(&login);
	return verdict;
}
