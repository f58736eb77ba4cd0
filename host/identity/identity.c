/* What is known about clients beyond one configuration. Owns the tables; the host owns it. */
#include "identity/identity.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"
#include "identity/jwks_source.h"
#include "identity/lockout.h"
#include "identity/logins.h"

struct identity {
	struct log *log;
	struct jwks_sources *jwks;
	struct lockout *lockout;
	struct logins *logins;
};

struct identity *identity_new(struct loop *loop, struct log *log)
{
	struct identity *identity = mem_new(struct identity);
	struct siphash_key key;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		mem_die();
	identity->log = log;
	identity->jwks = jwks_sources_new(loop, log);
	identity->lockout = lockout_new(&key);
	identity->logins = logins_new();
	return identity;
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	jwks_sources_free(identity->jwks);
	lockout_free(identity->lockout);
	logins_free(identity->logins);
	free(identity);
}

struct log *identity_log(struct identity *identity)
{
	return identity->log;
}

struct jwks_sources *identity_jwks(struct identity *identity)
{
	return identity->jwks;
}

struct lockout *identity_lockout(struct identity *identity)
{
	return identity->lockout;
}

struct logins *identity_logins(struct identity *identity)
{
	return identity->logins;
}
