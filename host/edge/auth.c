/* Who may ask where: which rule counts for a request. Owns the book of keys and users of its
 * configuration; routes.c owns it, mw_identity.c asks. */
#include "edge/auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "identity/method.h"

static unsigned kinds_of(char *const *methods)
{
	unsigned kinds = 0;

	for (size_t i = 0; methods && methods[i]; i++) {
		const struct method *method = method_find(str_from(methods[i]));

		if (method)
			kinds |= CREDENTIAL_BIT(method->kind);
	}
	return kinds;
}

struct auth_rule auth_rule_of(const struct auth_rules *rules, const struct auth_opts *opts)
{
	if (!opts->methods)
		return rules->rest;
	return (struct auth_rule){kinds_of(opts->methods), opts};
}

static int compare_rules(const void *a, const void *b)
{
	return str_compare(((const struct rpc_rule *)a)->method,
			   ((const struct rpc_rule *)b)->method);
}

static void take_rpc(struct auth_rules *rules, const struct identity_opts *identity)
{
	rules->rpc = mem_array(identity->rpc_count + 1, sizeof(*rules->rpc));
	rules->rpc_count = identity->rpc_count;
	for (size_t i = 0; i < identity->rpc_count; i++)
		rules->rpc[i] = (struct rpc_rule){
			str_from(identity->rpc[i].method),
			{kinds_of(identity->rpc[i].auth.methods), &identity->rpc[i].auth}};
	qsort(rules->rpc, rules->rpc_count, sizeof(*rules->rpc), compare_rules);
}

int auth_rules_init(struct auth_rules *rules, const struct auth_opts *rest,
		    const struct identity_opts *opts, struct identity *identity, struct err *err)
{
	*rules = (struct auth_rules){.rest = {kinds_of(rest->methods), rest}};
	rules->book = book_new(opts, identity, err);
	if (!rules->book)
		return -1;
	take_rpc(rules, opts);
	return 0;
}

void auth_rules_deinit(struct auth_rules *rules)
{
	book_free(rules->book);
	free(rules->rpc);
}

static const struct auth_rule *find(const struct auth_rules *rules, struct str method)
{
	struct rpc_rule wanted = {.method = method};
	const struct rpc_rule *found =
		bsearch(&wanted, rules->rpc, rules->rpc_count, sizeof(*rules->rpc), compare_rules);

	return found ? &found->rule : NULL;
}

/* "service/method", then all of the service. */
const struct auth_rule *auth_rule_of_rpc(const struct auth_rules *rules, struct str method)
{
	char all[256 + 2];
	const char *slash = memrchr(method.data, '/', method.len);
	size_t len = slash ? (size_t)(slash - method.data) + 1 : 0;
	const struct auth_rule *rule;

	if (rules->rpc_count == 0)
		return &rules->rest;
	rule = find(rules, method);
	if (!rule && len > 0 && len < sizeof(all) - 1) {
		memcpy(all, method.data, len);
		all[len] = '*';
		rule = find(rules, (struct str){all, len + 1});
	}
	return rule ? rule : &rules->rest;
}
