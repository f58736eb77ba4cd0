/* Who asks, and whether he may: what the route's rule asks for is read from the request, judged by
 * identity/, and held against the rule. Who is known travels with the call, and nowhere else.
 *
 *	no rule ─────────────────────────────────────────────▶ goes on, as nobody
 *	nothing shown ── optional ───────────────────────────▶ goes on, as nobody
 *	      └────────────────────────▶ 401
 *	shown ─▶ judged ── accepted ── the rule allows ──────▶ goes on
 *	   │        │ │        └───────▶ 403
 *	   │        │ ├── refused ─────▶ 401, counted        locked out ─▶ 429
 *	   │        │ └── pending: it waits, its body unread, and the chain begins here again
 *	   └────────┴── can't be read ─▶ 400                 too many passwords ─▶ 503
 *
 * The client is never told why a credential was refused: it may be guessing. The log is, without
 * the credential. The questions of browsers about other origins (CORS) come without credentials
 * and are not asked for any. */
#include "edge/mw.h"

#include "base/clock.h"
#include "edge/edge_internal.h"
#include "identity/access.h"
#include "identity/identity.h"
#include "identity/method.h"
#include "observe/errors.h"

static const struct auth_rules *rules_of(const struct exchange *exchange)
{
	return &exchange->routes->auth;
}

/* NULL: nobody is asked. */
static const struct auth_rule *rule_of(const struct exchange *exchange)
{
	const struct str rpc = STR_LITERAL("/rpc/");
	struct str path = exchange->request->path;
	const struct auth_rule *rule = NULL;

	if (exchange->route)
		rule = &exchange->route->auth;
	else if (str_starts_with(path, rpc))
		rule = auth_rule_of_rpc(rules_of(exchange),
					(struct str){path.data + rpc.len, path.len - rpc.len});
	return rule && rule->kinds ? rule : NULL;
}

/* ---- answers ---- */

static void log_refusal(const struct exchange *exchange, int code, const char *why)
{
	const struct proof *proof = exchange->auth.proof;
	const struct principal *principal = proof ? proof->principal : NULL;

	log_event_bulk(exchange->edge->log, LOG_INFO, "auth.refused", why, LOG_INT("code", code),
		       LOG_STRN("id", exchange->request_id),
		       LOG_STRN("peer", exchange->request->peer),
		       LOG_STR("method", proof ? proof->method->name : "-"),
		       LOG_STRN("principal", principal ? principal->subject : STR_LITERAL("-")));
}

static bool refuse(struct exchange *exchange, struct exchange_error *error, unsigned status,
		   int code, const char *why)
{
	log_refusal(exchange, code, why);
	return exchange_refuse(error, status, code, str_from(why));
}

/* One for each way that the rule allows. */
static void add_challenges(struct exchange *exchange, const struct auth_rule *rule,
			   struct exchange_error *error, const char *bearer_error)
{
	const char *realm = book_opts(rules_of(exchange)->book)->realm;

	for (size_t i = 0; auth_methods[i].name; i++) {
		struct str challenge;

		if (!(rule->kinds & CREDENTIAL_BIT(auth_methods[i].kind)))
			continue;
		challenge = method_challenge(&auth_methods[i], realm, bearer_error,
					     (struct str){NULL, 0}, exchange->request->arena);
		if (challenge.len > 0)
			error->challenges[error->challenge_count++] = challenge;
	}
}

static bool ask(struct exchange *exchange, const struct auth_rule *rule,
		struct exchange_error *error)
{
	refuse(exchange, error, 401, ERR_CREDENTIALS_MISSING,
	       "Say who you are: this path asks for it");
	add_challenges(exchange, rule, error, NULL);
	return false;
}

/* The log has the reason. */
static bool refuse_wrong(struct exchange *exchange, const struct auth_rule *rule,
			 struct exchange_error *error)
{
	refuse(exchange, error, 401, ERR_CREDENTIALS_WRONG, exchange->auth.proof->why);
	error->message = STR_LITERAL("What you show to say who you are is not accepted");
	add_challenges(exchange, rule, error, "invalid_token");
	return false;
}

/* RFC 6750, 3.1: what a token lacks is told in the header, too. */
static bool refuse_access(struct exchange *exchange, const struct auth_rule *rule,
			  enum access_verdict verdict, struct exchange_error *error)
{
	static const char *const whys[] = {
		[ACCESS_LACKS_ROLE] = "You have none of the roles that may do this",
		[ACCESS_LACKS_SCOPE] = "You have not the scope for this",
		[ACCESS_LACKS_CLAIM] = "This is not for your part of the house",
	};
	const struct method *method = exchange->auth.proof->method;
	struct arena *arena = exchange->request->arena;

	refuse(exchange, error, 403, ERR_ACCESS_DENIED, whys[verdict]);
	if (verdict == ACCESS_LACKS_SCOPE && method->kind == CREDENTIAL_BEARER)
		error->challenges[error->challenge_count++] = method_challenge(
			method, book_opts(rules_of(exchange)->book)->realm, "insufficient_scope",
			access_scopes(rule->opts, arena), arena);
	return false;
}

static int code_of_busy(const struct exchange *exchange)
{
	const struct method *method = exchange->auth.proof->method;

	return method->busy ? method->busy : ERR_LOGINS_BUSY;
}

static bool refuse_for_now(struct exchange *exchange, unsigned status, int code, const char *text,
			   struct exchange_error *error)
{
	refuse(exchange, error, status, code, exchange->auth.proof->why);
	error->message = str_from(text);
	error->retry_after_ms = exchange->auth.proof->retry_after_ms;
	return false;
}

/* ---- what the request shows ---- */

static struct str key_header(const struct exchange *exchange)
{
	return str_from(book_opts(rules_of(exchange)->book)->api_key_header);
}

/* That of the client itself: a proxy's own certificate says nothing about whom it asks for. */
static const struct http_client *certificate_of(const struct exchange *exchange)
{
	const struct http_tls *tls = exchange->request->tls;

	return tls && exchange->proxy.len == 0 ? tls->client : NULL;
}

bool identity_is_shown(const struct exchange *exchange)
{
	const struct http_request *request = exchange->request;

	if (!rule_of(exchange))
		return false;
	for (size_t i = 0; i < request->field_count; i++) {
		if (credentials_is_header(request->fields[i].name, key_header(exchange)))
			return true;
	}
	return certificate_of(exchange) != NULL;
}

static bool is_no_credential(const void *user, struct http_field *field)
{
	const struct str *header = user;

	return !credentials_is_header(field->name, *header);
}

/* Whoever comes after this one sees a copy without credentials. */
static void hide_credentials(struct exchange *exchange)
{
	struct str header = key_header(exchange);
	struct http_request *told;

	if (book_opts(rules_of(exchange)->book)->pass_credentials)
		return;
	told = http_request_copy(exchange->request);
	http_request_filter(told, is_no_credential, &header);
	exchange->request = told;
}

/* ---- the proof ---- */

static void on_end(struct proof *proof, enum verdict verdict)
{
	struct exchange *exchange = proof->user;

	exchange->auth.is_waiting = false;
	exchange->auth.verdict = verdict;
	edge_admit(exchange);
}

static enum verdict begin(struct exchange *exchange, const struct credential *credential)
{
	struct proof *proof = arena_zalloc(exchange->request->arena, sizeof(*proof));
	enum verdict verdict;

	*proof = (struct proof){
		.identity = exchange->edge->identity,
		.book = rules_of(exchange)->book,
		.method = method_of(credential->kind),
		.credential = *credential,
		.client = ip_client(exchange->request->ip),
		.arena = exchange->request->arena,
		.now_us = loop_now_us(exchange->edge->loop),
		.wall_s = clock_wall_ms() / 1000,
		.on_end = on_end,
		.user = exchange,
	};
	exchange->auth.proof = proof;
	verdict = proof_begin(proof);
	/* What it took is not the plugin's time. */
	loop_catch_up(exchange->edge->loop);
	return verdict;
}

void identity_end(struct exchange *exchange)
{
	if (exchange->auth.is_waiting)
		proof_cancel(exchange->auth.proof);
	exchange->auth.is_waiting = false;
}

static bool let_in(struct exchange *exchange, const struct auth_rule *rule,
		   struct exchange_error *error)
{
	const struct principal *principal = exchange->auth.proof->principal;
	enum access_verdict verdict = access_check(rule->opts, principal);

	exchange->auth.principal = principal;
	if (verdict != ACCESS_ALLOWED)
		return refuse_access(exchange, rule, verdict, error);
	hide_credentials(exchange);
	return true;
}

static bool conclude(struct exchange *exchange, const struct auth_rule *rule, enum verdict verdict,
		     struct exchange_error *error)
{
	switch (verdict) {
	case VERDICT_ACCEPTED:
		return let_in(exchange, rule, error);
	case VERDICT_REFUSED:
		return refuse_wrong(exchange, rule, error);
	case VERDICT_LOCKED:
		return refuse_for_now(exchange, 429, ERR_LOCKED_OUT,
				      "You have failed too often; come back later", error);
	case VERDICT_BUSY:
		return refuse_for_now(exchange, 503, code_of_busy(exchange),
				      "It can't be found out now who you are; come back later",
				      error);
	case VERDICT_PENDING:
		break;
	}
	exchange->auth.is_waiting = true;
	return false;
}

static bool try(struct exchange *exchange, const struct auth_rule *rule,
		struct exchange_error *error)
{
	struct credential credential;

	switch (credentials_read(exchange->request, rule->kinds, key_header(exchange),
				 certificate_of(exchange), &credential)) {
	case CREDENTIALS_ONE:
		return conclude(exchange, rule, begin(exchange, &credential), error);
	case CREDENTIALS_SEVERAL:
		return refuse(exchange, error, 400, ERR_CREDENTIALS_SEVERAL,
			      "You say in several ways who you are; send one of them");
	case CREDENTIALS_MALFORMED:
		return refuse(exchange, error, 400, ERR_CREDENTIALS_MALFORMED,
			      "What you show to say who you are is malformed");
	case CREDENTIALS_TOO_LONG:
		return refuse(exchange, error, 400, ERR_CREDENTIALS_MALFORMED,
			      "What you show to say who you are has more than 16 KiB");
	case CREDENTIALS_ABSENT:
		break;
	}
	if (!rule->opts->optional)
		return ask(exchange, rule, error);
	hide_credentials(exchange);
	return true;
}

static bool find_out(struct exchange *exchange, struct exchange_error *error)
{
	const struct auth_rule *rule = rule_of(exchange);

	if (!rule || cors_is_asked(exchange))
		return true;
	if (exchange->auth.proof)
		return conclude(exchange, rule, exchange->auth.verdict, error);
	return try(exchange, rule, error);
}

/* Who is refused has asked, too, and is counted by his address; that may be what he hears then. */
static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	if (find_out(exchange, error))
		return true;
	if (error->status && !rate_settle(exchange, error))
		exchange->refused_by = &mw_rate_principal;
	return false;
}

const struct middleware mw_identity = {.name = "identity", .on_admit = on_admit};
