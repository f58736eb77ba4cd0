/* The windows of one channel. Owns numbers only; who sends and receives asks here first. */
#include "plugin/flow.h"

/* Like the windows of HTTP/2: a sum above this is an error of whoever gives it. */
#define WINDOW_MAX 0x7fffffffu

void flow_init(struct flow *flow, const struct handshake_limits *host,
	       const struct handshake_limits *plugin)
{
	*flow = (struct flow){
		.host = *host,
		.plugin = *plugin,
		.send_credit = plugin->channel_window_bytes,
		.recv_credit = host->channel_window_bytes,
	};
}

bool flow_receive(struct flow *flow, uint32_t bytes, uint32_t *due_out)
{
	*due_out = 0;
	if (bytes > flow->recv_credit)
		return false;
	flow->recv_credit -= bytes;
	flow->recv_owed += bytes;
	if (flow->recv_owed < flow->host.channel_window_bytes / 2)
		return true;
	*due_out = flow->recv_owed;
	flow->recv_credit += flow->recv_owed;
	flow->recv_owed = 0;
	return true;
}

bool flow_add_credit(uint32_t *send_credit, uint32_t bytes)
{
	if (bytes > WINDOW_MAX || *send_credit > WINDOW_MAX - bytes)
		return false;
	*send_credit += bytes;
	return true;
}
