/* Which rules could take a request, and which of them does.
 *
 * Each rule is held against the request by itself; of those that match, the one that names most
 * wins. Called by the admin room for `plugctl routes --match`, and by tests. It can't fail. */
#include "edge/router_explain.h"

#include <assert.h>

#include "edge/router_host.h"
#include "edge/router_pattern.h"

/* One rule beside the request. */
struct standing {
	struct pattern pattern;
	bool names_scheme;
	int host_rank;	 /* -1: it is for other hosts */
	int method_rank; /* 0: it takes other methods */
};

/* ---- does it match? ---- */

/* Whether the pattern's shape is the path's. *misfit_out is the first segment that is not of its
 * param's type, with its text in *value_out; the number of segments when there is none. */
static bool match_path(const struct pattern *pattern, struct str path, size_t *misfit_out,
		       struct str *value_out)
{
	struct str rest = {path.data + 1, path.len - 1};
	struct str segment;
	bool more = true;

	*misfit_out = pattern->count;
	for (size_t i = 0; i < pattern->count; i++) {
		const struct segment *wanted = &pattern->segments[i];

		if (!more)
			return false;
		if (wanted->kind == SEGMENT_REST)
			return true;
		more = segment_next(&rest, &segment);
		if (wanted->kind == SEGMENT_LITERAL ? !str_eq(wanted->text, segment)
						    : segment.len == 0)
			return false;
		if (wanted->kind == SEGMENT_LITERAL || *misfit_out < i ||
		    param_type_fits(wanted->type, segment))
			continue;
		*misfit_out = i;
		*value_out = segment;
	}
	return !more;
}

static int rank_hosts(const struct router_rule *rule, struct str name)
{
	int best = rule->hosts ? -1 : 0;

	for (size_t i = 0; rule->hosts && rule->hosts[i]; i++) {
		int rank = host_rank(str_from(rule->hosts[i]), name);

		best = rank > best ? rank : best;
	}
	return best;
}

static int rank_methods(const struct router_rule *rule, struct str method)
{
	bool is_head = str_eq(method, STR_LITERAL("HEAD"));
	int best = rule->methods ? 0 : 1;

	for (size_t i = 0; rule->methods && rule->methods[i]; i++) {
		if (str_eq(method, str_from(rule->methods[i])))
			return 3;
		if (is_head && str_eq(str_from(rule->methods[i]), STR_LITERAL("GET")))
			best = 2;
	}
	return best;
}

/* False: its path is another. Else *out says how it stands, FATE_WINS for a rule that matches. */
static bool stand(const struct router_rule *rule, const struct router_request *request,
		  struct standing *standing, struct router_candidate *out)
{
	char name[ROUTER_HOST_BYTES];
	struct str value = {NULL, 0};
	size_t misfit;
	int r = pattern_parse(&standing->pattern, rule, NULL);

	assert(r == 0);
	if (!match_path(&standing->pattern, request->path, &misfit, &value))
		return false;
	standing->names_scheme = rule->scheme != ROUTER_ANY_SCHEME;
	standing->host_rank = rank_hosts(rule, host_of_authority(request->authority, name));
	standing->method_rank = rank_methods(rule, request->method);
	*out = (struct router_candidate){.fate = FATE_WINS};
	if (misfit < standing->pattern.count)
		*out = (struct router_candidate){
			.fate = FATE_OTHER_TYPE,
			.segment = misfit,
			.value = value,
			.type = standing->pattern.segments[misfit].type,
		};
	else if (standing->names_scheme && rule->scheme != router_scheme_of(request->scheme))
		out->fate = FATE_OTHER_SCHEME;
	else if (standing->host_rank < 0)
		out->fate = FATE_OTHER_HOST;
	else if (standing->method_rank == 0)
		out->fate = FATE_OTHER_METHOD;
	return true;
}

/* ---- which names more? ---- */

static int segment_rank(const struct segment *segment)
{
	switch (segment->kind) {
	case SEGMENT_LITERAL:
		return PARAM_TYPES + 1;
	case SEGMENT_PARAM:
		return PARAM_TYPES - (int)segment->type;
	case SEGMENT_REST:
		break;
	}
	return 0;
}

/* Above 0 when `a` names more, below when `b` does. Both match the same path. */
static int compare_paths(const struct pattern *a, const struct pattern *b, size_t *segment_out)
{
	int order = 0;

	for (size_t i = 0; i < a->count && i < b->count && order == 0; i++) {
		order = segment_rank(&a->segments[i]) - segment_rank(&b->segments[i]);
		*segment_out = i;
	}
	return order;
}

/* The same, with the fate of the lesser one. */
static int compare(const struct standing *a, const struct standing *b, enum router_fate *fate_out,
		   size_t *segment_out)
{
	int order = a->names_scheme - b->names_scheme;

	*fate_out = FATE_LESS_SCHEME;
	if (order == 0) {
		order = a->host_rank - b->host_rank;
		*fate_out = FATE_LESS_HOST;
	}
	if (order == 0) {
		order = compare_paths(&a->pattern, &b->pattern, segment_out);
		*fate_out = FATE_LESS_PATH;
	}
	if (order == 0) {
		order = a->method_rank - b->method_rank;
		*fate_out = FATE_LESS_METHOD;
	}
	return order;
}

/* The index in `out` of the one that wins; `found` when none does. */
static size_t find_winner(const struct router_rule *rules, const struct router_request *request,
			  const struct router_candidate *out, size_t found)
{
	struct standing best = {0}, other;
	struct router_candidate ignored;
	enum router_fate fate;
	size_t winner = found, segment;

	for (size_t i = 0; i < found; i++) {
		if (out[i].fate != FATE_WINS)
			continue;
		stand(&rules[out[i].index], request, &other, &ignored);
		if (winner == found || compare(&other, &best, &fate, &segment) > 0) {
			winner = i;
			best = other;
		}
	}
	return winner;
}

static void tell_losers(const struct router_rule *rules, const struct router_request *request,
			struct router_candidate *out, size_t found)
{
	struct standing best, other;
	struct router_candidate ignored;

	stand(&rules[out[0].index], request, &best, &ignored);
	for (size_t i = 1; i < found; i++) {
		if (out[i].fate != FATE_WINS)
			continue;
		stand(&rules[out[i].index], request, &other, &ignored);
		compare(&best, &other, &out[i].fate, &out[i].segment);
	}
}

size_t router_explain(const struct router_rule *rules, size_t count,
		      const struct router_request *request, struct router_candidate *out)
{
	struct router_candidate first;
	struct standing standing;
	size_t found = 0, winner;

	if (request->path.len == 0 || request->path.data[0] != '/')
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (stand(&rules[i], request, &standing, &out[found]))
			out[found++].index = (unsigned)i;
	}
	winner = find_winner(rules, request, out, found);
	if (winner == found)
		return found;
	first = out[winner];
	out[winner] = out[0];
	out[0] = first;
	tell_losers(rules, request, out, found);
	return found;
}
