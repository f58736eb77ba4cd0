/* The middlewares in their order. A request, its answer and its end pass them from top to bottom
 * alike: there is one order to learn. */
#include "edge/chain.h"

#include "edge/mw.h"

/* clang-format off */
const struct middleware *const chain[] = {
	&mw_request_id,
	&mw_client,
	&mw_lists,
	&mw_rate,
	&mw_identity,
	&mw_rate_principal,
	&mw_cors,
	&mw_security,
	&mw_shed,
	&mw_concurrency,
	&mw_body_limit,
	&mw_decompress,
	&mw_deadline,
	&mw_access_log,
	&mw_metrics,
};
/* clang-format on */

const size_t chain_length = sizeof(chain) / sizeof(chain[0]);

bool chain_request(struct exchange *exchange, struct exchange_error *error)
{
	for (size_t i = 0; i < chain_length; i++) {
		if (!chain[i]->on_request || chain[i]->on_request(exchange, error))
			continue;
		exchange->refused_by = chain[i];
		return false;
	}
	return true;
}

bool chain_admit(struct exchange *exchange, struct exchange_error *error)
{
	exchange->refused_by = NULL;
	for (; exchange->admitted < chain_length; exchange->admitted++) {
		const struct middleware *one = chain[exchange->admitted];

		if (!one->on_admit || one->on_admit(exchange, error))
			continue;
		if (error->status && !exchange->refused_by) /* or it knows better */
			exchange->refused_by = one;
		return false;
	}
	return true;
}

bool chain_route(struct exchange *exchange, struct exchange_error *error)
{
	for (size_t i = 0; i < chain_length; i++) {
		if (!chain[i]->on_route || chain[i]->on_route(exchange, error))
			continue;
		exchange->refused_by = chain[i];
		return false;
	}
	return true;
}

void chain_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	for (size_t i = 0; i < chain_length; i++) {
		if (chain[i]->on_response)
			chain[i]->on_response(exchange, fields, count);
	}
}

void chain_done(struct exchange *exchange, struct log *log)
{
	for (size_t i = 0; i < chain_length; i++) {
		if (chain[i]->on_done)
			chain[i]->on_done(exchange, log);
	}
}
