/* What can only be said together of the settings about who clients are. Part of check.c.
 *
 * A rule that nobody can fulfil, or that asks for what is not there, is a door that is shut by
 * mistake; one without methods would be a door that is open by mistake. Both are refused. */
#include "config/check.h"

#include "identity/access.h"
#include "identity/method.h"
#include "observe/errors.h"

/* The rows of one rule, of the edge, a route or a method. */
struct rows {
	enum section_id section; /* of the list; SECTION_TOP: there is no list */
	enum setting_id methods;
	enum setting_id others[6];
	enum setting_id optional;
};

static const struct rows of_edge = {SECTION_TOP,
				    SETTING_HTTP_AUTH_METHODS,
				    {SETTING_HTTP_AUTH_ANY_ROLE, SETTING_HTTP_AUTH_ALL_ROLES,
				     SETTING_HTTP_AUTH_ANY_SCOPE, SETTING_HTTP_AUTH_ALL_SCOPES,
				     SETTING_HTTP_AUTH_CLAIMS, SETTING_HTTP_AUTH_OPTIONAL},
				    SETTING_HTTP_AUTH_OPTIONAL};
static const struct rows of_route = {SECTION_ROUTES,
				     SETTING_ROUTE_AUTH_METHODS,
				     {SETTING_ROUTE_AUTH_ANY_ROLE, SETTING_ROUTE_AUTH_ALL_ROLES,
				      SETTING_ROUTE_AUTH_ANY_SCOPE, SETTING_ROUTE_AUTH_ALL_SCOPES,
				      SETTING_ROUTE_AUTH_CLAIMS, SETTING_ROUTE_AUTH_OPTIONAL},
				     SETTING_ROUTE_AUTH_OPTIONAL};
static const struct rows of_rpc = {SECTION_IDENTITY_RPC,
				   SETTING_IDENTITY_RPC_METHODS,
				   {SETTING_IDENTITY_RPC_ANY_ROLE, SETTING_IDENTITY_RPC_ALL_ROLES,
				    SETTING_IDENTITY_RPC_ANY_SCOPE, SETTING_IDENTITY_RPC_ALL_SCOPES,
				    SETTING_IDENTITY_RPC_CLAIMS, SETTING_IDENTITY_RPC_OPTIONAL},
				   SETTING_IDENTITY_RPC_OPTIONAL};

/* One rule that is looked at. */
struct look {
	struct filling *filling;
	const struct rows *rows;
	size_t index; /* of the element */
	const struct auth_opts *auth;
};

static struct place place_of(const struct look *look, enum setting_id id)
{
	struct filling *filling = look->filling;

	if (look->rows->section != SECTION_TOP)
		return element_place(filling, look->rows->section, look->index, id);
	return (struct place){
		filling->file, filling->single.lines[id],
		setting_path(&settings[id], arena_alloc(&filling->scratch, SETTING_NAME))};
}

static bool is_written(const struct look *look, enum setting_id id)
{
	const struct element *element =
		look->rows->section == SECTION_TOP
			? &look->filling->single
			: &look->filling->elements[look->rows->section][look->index];

	return element->lines[id] != 0;
}

static void refuse(const struct look *look, enum setting_id id, const char *why)
{
	problem_add(look->filling->errors, place_of(look, id), ERR_CONFIG_CONFLICT, "%s", why);
}

static bool has_api_keys(const struct config *config)
{
	return config->edge.identity.api_keys != NULL;
}

static bool has_users(const struct config *config)
{
	return config->edge.identity.users != NULL;
}

static bool has_issuers(const struct config *config)
{
	return config->edge.identity.jwt.issuer_count > 0;
}

static bool has_certificates(const struct config *config)
{
	return config->edge.identity.certificate_count > 0;
}

static bool asks_for_certificates(const struct config *config)
{
	return config->net.tls.client_mode != TLS_CLIENT_NONE;
}

static const struct {
	const char *method;
	enum setting_id id; /* that says it, or one of the list that does */
	bool (*is_there)(const struct config *config);
	const char *lack;
} needs[] = {
	{"api_key", SETTING_IDENTITY_API_KEYS, has_api_keys,
	 "api_key needs identity.api_keys, the file of keys, or nobody can come in"},
	{"basic", SETTING_IDENTITY_USERS, has_users,
	 "basic needs identity.users, the file of users, or nobody can come in"},
	{"jwt", SETTING_JWT_ISSUERS_ISSUER, has_issuers,
	 "jwt needs identity.jwt.issuers, whose tokens are accepted, or nobody can come in"},
	{"mtls", SETTING_IDENTITY_CERTIFICATES_SUBJECT, has_certificates,
	 "mtls needs identity.certificates, whom certificates mean, or nobody can come in"},
	{"mtls", SETTING_TLS_CLIENT_CERTIFICATES, asks_for_certificates,
	 "mtls needs tls.client_certificates: optional or required, or nobody is asked for a "
	 "certificate"},
};

/* What a method needs that the configuration doesn't have; NULL: nothing. */
static const char *lack_of(const struct filling *filling, const char *name)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (strcmp(name, needs[i].method) == 0 && !needs[i].is_there(filling->config) &&
		    !element_has_refused(&filling->single, needs[i].id))
			return needs[i].lack;
	}
	return NULL;
}

static void check_methods(const struct look *look)
{
	char *const *methods = look->auth->methods;

	for (size_t i = 0; methods[i]; i++) {
		const char *lack = lack_of(look->filling, methods[i]);

		if (lack)
			refuse(look, look->rows->methods, lack);
		if (strcmp(methods[i], METHOD_NONE) == 0 && (i > 0 || methods[1]))
			refuse(look, look->rows->methods,
			       "none beside others says two things; write one of them");
	}
}

static bool is_none(const struct auth_opts *auth)
{
	return auth->methods[0] && strcmp(auth->methods[0], METHOD_NONE) == 0;
}

static void check_rule(const struct look *look)
{
	const struct auth_opts *auth = look->auth;

	for (size_t i = 0; i < sizeof(look->rows->others) / sizeof(look->rows->others[0]); i++) {
		if (!auth->methods && !is_written(look, look->rows->methods) &&
		    is_written(look, look->rows->others[i]))
			refuse(look, look->rows->others[i],
			       "is of no rule; add methods beside it, or leave it out");
	}
	if (!auth->methods)
		return;
	check_methods(look);
	if (access_asks(auth) && (auth->optional || is_none(auth)))
		refuse(look, auth->optional ? look->rows->optional : look->rows->methods,
		       "who is nobody has no role, scope or claim; leave it out, or what is asked "
		       "for");
}

static void check_map(struct filling *filling, size_t index)
{
	static const enum setting_id whom[] = {SETTING_IDENTITY_CERTIFICATES_SUBJECT,
					       SETTING_IDENTITY_CERTIFICATES_NAME,
					       SETTING_IDENTITY_CERTIFICATES_FINGERPRINT};
	const struct element *element = &filling->elements[SECTION_IDENTITY_CERTIFICATES][index];

	for (size_t i = 0; i < sizeof(whom) / sizeof(whom[0]); i++) {
		if (element->lines[whom[i]] || element_has_refused(element, whom[i]))
			return;
	}
	problem_add(filling->errors,
		    element_place(filling, SECTION_IDENTITY_CERTIFICATES, index, whom[0]),
		    ERR_CONFIG_MISSING,
		    "every certificate would match; say which: add subject, name or fingerprint");
}

static void check_lockout(struct filling *filling)
{
	const struct lockout_opts *lockout = &filling->config->edge.identity.lockout;
	const struct order order = {SETTING_IDENTITY_LOCKOUT_FIRST,
				    SETTING_IDENTITY_LOCKOUT_LONGEST, lockout->first_ms,
				    lockout->longest_ms};

	if (filling->single.lines[SETTING_IDENTITY_LOCKOUT_FIRST])
		check_order(filling, SECTION_TOP, 0, &order);
}

void check_identity(struct filling *filling)
{
	const struct edge_opts *edge = &filling->config->edge;

	check_rule(&(struct look){filling, &of_edge, 0, &edge->auth});
	for (size_t i = 0; i < edge->route_count; i++)
		check_rule(&(struct look){filling, &of_route, i, &edge->routes[i].auth});
	for (size_t i = 0; i < edge->identity.rpc_count; i++)
		check_rule(&(struct look){filling, &of_rpc, i, &edge->identity.rpc[i].auth});
	for (size_t i = 0; i < edge->identity.certificate_count; i++)
		check_map(filling, i);
	check_lockout(filling);
	check_jwt(filling);
}
