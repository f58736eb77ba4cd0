/* Each request is counted when it is over. */
#include "edge/edge_internal.h"
#include "edge/mw.h"

static void on_done(struct exchange *exchange, struct log *log)
{
	counts_add(&exchange->edge->counts, exchange, loop_now_us(exchange->edge->loop));
}

const struct middleware mw_metrics = {.name = "metrics", .on_done = on_done};
