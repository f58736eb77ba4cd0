/* Policy and constraints around the whitelist's decision. Each rule says what is wrong with a file;
 * guard_weigh() alone decides whether that is a refusal or a remark. Owns nothing. */
#include "trust/guard.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "observe/errors.h"
#include "trust/owners.h"
#include "trust/place.h"

/* ---- what a policy tolerates ---- */

struct tolerance {
	bool unlisted; /* a file without an entry */
	bool others;   /* every other deviation */
};

static const struct tolerance tolerances[TRUST_POLICY_COUNT] = {
	[TRUST_STRICT] = {false, false},
	[TRUST_PERMISSIVE] = {true, false},
	[TRUST_AUDIT] = {true, true},
};

static bool is_tolerated(const struct guard *guard, const struct err *deviation)
{
	enum trust_policy policy = guard->opts ? guard->opts->policy : TRUST_STRICT;
	const struct tolerance *tolerance = &tolerances[policy];

	return deviation->code == ERR_WHITELIST_UNLISTED ? tolerance->unlisted : tolerance->others;
}

int guard_weigh(const struct guard *guard, const struct err *deviation,
		struct guard_remarks *remarks, struct err *err)
{
	if (!is_tolerated(guard, deviation)) {
		if (err != deviation)
			*err = *deviation;
		return -EACCES;
	}
	assert(remarks->count < GUARD_MAX_REMARKS);
	remarks->rows[remarks->count++] = *deviation;
	return 0;
}

/* ---- constraints: each returns 0, or a negative number and *err ---- */

static int check_allowed(const struct trust_opts *opts, const struct guard_question *question,
			 struct err *err)
{
	const char *real = question->who.real;

	if (!opts->allowed_directories || !opts->allowed_directories[0] ||
	    place_find_top(real, opts->allowed_directories))
		return 0;
	return err_set(err, ERR_EXECUTABLE_PLACE,
		       "'%s' (its real path) lies below none of whitelist.allowed_directories",
		       real);
}

static int check_forbidden(const struct trust_opts *opts, const struct guard_question *question,
			   struct err *err)
{
	const char *top = place_find_top(question->who.real, opts->forbidden_paths);

	if (!top)
		return 0;
	return err_set(err, ERR_EXECUTABLE_PLACE,
		       "'%s' (its real path) is forbidden by '%s' in whitelist.forbidden_paths",
		       question->who.real, top);
}

static int check_size(const struct trust_opts *opts, const struct guard_question *question,
		      struct err *err)
{
	if (question->bytes <= opts->max_executable_bytes)
		return 0;
	return err_set(err, ERR_EXECUTABLE_SIZE,
		       "'%s' has %" PRIu64 " bytes, more than whitelist.max_executable_size: "
		       "%" PRIu64,
		       question->who.real, question->bytes, opts->max_executable_bytes);
}

static int check_owners(const struct trust_opts *opts, const struct guard_question *question,
			struct err *err)
{
	if (!opts->require_safe_modes || question->place < 0)
		return 0;
	return owners_check(question->place, question->who.real, err);
}

typedef int constraint_fn(const struct trust_opts *opts, const struct guard_question *question,
			  struct err *err);

static constraint_fn *const constraints[] = {check_allowed, check_forbidden, check_size,
					     check_owners};

static int obey_constraints(const struct guard *guard, const struct guard_question *question,
			    struct guard_remarks *remarks, struct err *err)
{
	for (size_t i = 0; guard->opts && i < sizeof(constraints) / sizeof(constraints[0]); i++) {
		int r = constraints[i](guard->opts, question, err);

		if (r < 0 && (r = guard_weigh(guard, err, remarks, err)) < 0)
			return r;
	}
	return 0;
}

/* ---- the two halves ---- */

int guard_admit(const struct guard *guard, const struct guard_question *question,
		const struct whitelist_entry **entry_out, struct guard_remarks *remarks,
		struct err *err)
{
	int r = obey_constraints(guard, question, remarks, err);

	*entry_out = NULL;
	if (r < 0)
		return r;
	if (whitelist_admit(guard->whitelist, &question->who, entry_out, err) == 0)
		return 0;
	return guard_weigh(guard, err, remarks, err);
}

int guard_check(const struct guard *guard, const struct whitelist_entry *entry,
		const struct digest *actual, struct guard_remarks *remarks, struct err *err)
{
	if (!entry || whitelist_check(guard->whitelist, entry, actual, err) == 0)
		return 0;
	return guard_weigh(guard, err, remarks, err);
}
