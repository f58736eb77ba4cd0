/* Memory for secrets.
 *
 * Each piece has pages of its own, so that what protects them protects nothing else and is undone
 * with them: locked (as far as RLIMIT_MEMLOCK allows), left out of core dumps, empty in a child.
 * Used by whoever holds the value of a secret: trust/secret_source, plugin/secrets and the channel
 * on which it goes out. Nothing else in the host may copy such a value. */
#include "base/secret.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

static size_t page_bytes(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

/* Not dumpable: no core, no ptrace() and no /proc/PID/mem for others of the same user. */
void secret_forbid_dumps(void)
{
	static const struct rlimit none;

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

struct secret secret_alloc(size_t len)
{
	size_t bytes = page_bytes(len);
	struct secret secret = {.len = len};

	assert(len > 0);
	secret.data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret.data == MAP_FAILED)
		mem_die();
	secret.is_locked =
		mlock2(secret.data, bytes, 0) == 0; /* AddressSanitizer disarms mlock() */
	madvise(secret.data, bytes, MADV_DONTDUMP);
	madvise(secret.data, bytes, MADV_WIPEONFORK);
	return secret;
}

void secret_free(struct secret *secret)
{
	if (!secret->data)
		return;
	explicit_bzero(secret->data, page_bytes(secret->len));
	munmap(secret->data, page_bytes(secret->len));
	*secret = (struct secret){0};
}
