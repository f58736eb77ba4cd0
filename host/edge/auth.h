/* Who may ask where: the rules of one configuration, and what is known of who asks one request. */
#ifndef PLUGD_EDGE_AUTH_H
#define PLUGD_EDGE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "identity/book.h"
#include "identity/identity_opts.h"
#include "identity/proof.h"

/* What is asked of who comes one way. */
struct auth_rule {
	unsigned kinds; /* of credentials, as bits; 0: nobody is asked */
	const struct auth_opts *opts;
};

struct rpc_rule {
	struct str method; /* "service/method", or "service/" and a star */
	struct auth_rule rule;
};

struct auth_rules {
	struct book *book;
	struct auth_rule rest; /* where nothing else is said */
	struct rpc_rule *rpc;  /* sorted by method */
	size_t rpc_count;
};

/* Reads what identity/ needs. Borrows all of it while it lives. 0, or -errno with *err and nothing
 * to deinit. */
int auth_rules_init(struct auth_rules *rules, const struct auth_opts *rest,
		    const struct identity_opts *opts, struct identity *identity, struct err *err);
void auth_rules_deinit(struct auth_rules *rules);

/* That of a route; methods NULL: the one for the rest. */
struct auth_rule auth_rule_of(const struct auth_rules *rules, const struct auth_opts *opts);

/* That of a method that is called by name: "service/method". */
const struct auth_rule *auth_rule_of_rpc(const struct auth_rules *rules, struct str method);

/* What is known of who asks one request. Zeroed: nothing is. */
struct exchange_auth {
	const struct principal *principal; /* NULL: nobody */
	struct proof *proof;		   /* in the request's arena; NULL: there was none */
	enum verdict verdict;		   /* of the proof */
	bool is_waiting;		   /* for that */
	bool owes_rate;			   /* it is counted when it is known who it is */
};

#endif
