/* Why a request goes to one route and to no other: every rule whose pattern matches the path, with
 * what became of it. Pure.
 *
 * Works from the rules alone, one after the other, and not from the trees that requests are led by:
 * so it is also what those are tested against. For an operator's question, not for requests. */
#ifndef PLUGD_EDGE_ROUTER_EXPLAIN_H
#define PLUGD_EDGE_ROUTER_EXPLAIN_H

#include "edge/router.h"
#include "edge/router_types.h"

enum router_fate {
	FATE_WINS,
	/* It would match, but another one names more. */
	FATE_LESS_SCHEME,
	FATE_LESS_HOST,
	FATE_LESS_PATH,
	FATE_LESS_METHOD,
	/* It does not match. */
	FATE_OTHER_SCHEME,
	FATE_OTHER_HOST,
	FATE_OTHER_METHOD,
	FATE_OTHER_TYPE, /* a segment is not what its param takes */
};

struct router_candidate {
	unsigned index; /* of the rule */
	enum router_fate fate;
	size_t segment;	      /* of FATE_LESS_PATH, FATE_OTHER_TYPE: where, from 0 */
	struct str value;     /* of FATE_OTHER_TYPE: what is there; borrows from the path */
	enum param_type type; /* and what it should be */
};

/* Writes the candidates into `out`, which has room for all rules, the winner first if there is one.
 * The rules are good and none conflicts with another. Returns their number. */
size_t router_explain(const struct router_rule *rules, size_t count,
		      const struct router_request *request, struct router_candidate *out);

#endif
