/* The calls on one channel, as conversations: the test plays the plugin at the other end of a
 * socketpair. What the host must say, what it must not, and every way in which a plugin can get it
 * wrong. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/calls.h"
#include "plugin/channel.h"
#include "tests/support/unit.h"

#define CHUNK	       1000u
#define CALL_WINDOW    4000u
#define CHANNEL_WINDOW 6000u

struct world {
	struct loop *loop;
	struct channel channel;
	struct calls calls;
	struct err violation; /* code 0: none */
	int peer;	      /* the plugin's end */
	struct frame_reader from_host;
	char heard[400]; /* by the owner of a call, as words */
	bool consumes;
	struct call *call;
	uint32_t incoming_id; /* of the plugin's last whole request */
};

/* ---- the host's side ---- */

__attribute__((format(printf, 2, 3))) static void note(struct world *world, const char *format, ...)
{
	size_t len = strlen(world->heard);
	va_list args;

	va_start(args, format);
	vsnprintf(world->heard + len, sizeof(world->heard) - len, format, args);
	va_end(args);
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct world *world = user;

	note(world, "response(%u,%zu)%s ", response->code, response->payload.len,
	     response->end ? "!" : "");
	return world->consumes;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct world *world = user;

	note(world, "data(%zu)%s ", data->payload.len, data->end ? "!" : "");
	return world->consumes;
}

static void on_writable(void *user)
{
	note(user, "writable ");
}

static void on_broken(void *user, const struct call_break *why)
{
	if (why->kind == CALL_GONE)
		note(user, "gone! ");
	else
		note(user, "aborted(%u)! ", why->code);
}

static const struct call_ops ops = {on_response, on_data, on_writable, on_broken};

static void on_frame(void *user, const struct frame *frame)
{
	struct world *world = user;

	if (calls_on_frame(&world->calls, frame, &world->violation) < 0)
		channel_close(&world->channel);
}

static void on_channel_broken(void *user, const struct err *err)
{
	struct world *world = user;

	world->violation = *err;
}

static void on_request(void *user, const struct wire_request *request)
{
	struct world *world = user;

	world->incoming_id = request->id;
}

static const struct channel_ops channel_ops = {on_frame, on_channel_broken};

static int setup(void **state)
{
	struct world *world = mem_new(struct world);
	struct handshake_limits limits = {.max_frame_bytes = WIRE_MAX_FRAME_BYTES,
					  .chunk_bytes = CHUNK,
					  .call_window_bytes = CALL_WINDOW,
					  .channel_window_bytes = CHANNEL_WINDOW,
					  .max_calls = 4,
					  .max_message_bytes = 1 << 20};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	world->loop = loop_new();
	world->peer = pair[1];
	world->consumes = true;
	channel_open(&world->channel,
		     &(struct channel_opts){world->loop, pair[0], pair[0], WIRE_MAX_FRAME_BYTES},
		     &channel_ops, world);
	calls_init(&world->calls, &world->channel, &limits, &limits);
	world->calls.incoming.on_request = on_request;
	world->calls.incoming.user = world;
	frame_reader_init(&world->from_host, WIRE_MAX_FRAME_BYTES);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	channel_close(&world->channel);
	channel_deinit(&world->channel);
	calls_deinit(&world->calls);
	frame_reader_deinit(&world->from_host);
	close(world->peer);
	loop_free(world->loop);
	free(world);
	return 0;
}

static struct call *start(struct world *world, size_t payload_bytes, bool end)
{
	static const uint8_t zeros[20000];
	struct wire_request request = {.method = 7, .end = end, .payload = {zeros, payload_bytes}};

	world->call = outgoing_start(&world->calls.outgoing, &request, &ops, world);
	return world->call;
}

/* ---- the plugin's side ---- */

/* Everything that the host has said since the last time, as words. */
static const char *host_said(struct world *world)
{
	static char said[600];
	enum frame_verdict verdict;
	struct frame frame;
	struct err err;
	ssize_t n;

	loop_turn(world->loop, false);
	said[0] = '\0';
	do {
		size_t room;
		uint8_t *to = frame_reader_room(&world->from_host, &room);

		n = read(world->peer, to, room);
		if (n > 0)
			frame_reader_filled(&world->from_host, (size_t)n);
		while ((verdict = frame_reader_next(&world->from_host, &frame, &err)) ==
		       FRAME_READY) {
			size_t at = strlen(said);
			struct wire_request request;
			struct wire_response response;
			struct wire_data data;
			struct wire_cancel cancel;
			struct wire_credit credit;
			const char *why;

			if (frame.kind == WIRE_REQUEST &&
			    wire_get_request(frame.body, &request, &why))
				snprintf(said + at, sizeof(said) - at, "request(%zu%s%s) ",
					 request.payload.len, request.more ? "+" : "",
					 request.end ? "!" : "");
			else if (frame.kind == WIRE_RESPONSE &&
				 wire_get_response(frame.body, &response, &why))
				snprintf(said + at, sizeof(said) - at, "response(%u,%u) ",
					 response.id, response.code);
			else if (frame.kind == WIRE_DATA && wire_get_data(frame.body, &data, &why))
				snprintf(said + at, sizeof(said) - at, "data(%zu%s%s) ",
					 data.payload.len, data.more ? "+" : "",
					 data.end ? "!" : "");
			else if (frame.kind == WIRE_CANCEL &&
				 wire_get_cancel(frame.body, &cancel, &why))
				snprintf(said + at, sizeof(said) - at, "cancel(%u) ", cancel.code);
			else if (frame.kind == WIRE_CREDIT &&
				 wire_get_credit(frame.body, &credit, &why))
				snprintf(said + at, sizeof(said) - at, "credit(%s%u) ",
					 credit.id ? "call " : "", credit.bytes);
		}
	} while (n > 0);
	return said;
}

static void plugin_sends(struct world *world, const void *bytes, size_t len)
{
	assert_int_equal(write(world->peer, bytes, len), (ssize_t)len);
	for (int i = 0; i < 4; i++)
		loop_turn(world->loop, false);
}

static void plugin_responds(struct world *world, uint32_t id, uint32_t code, size_t len, bool end)
{
	static uint8_t out[20000];
	struct wire_response response = {.id = id, .code = code, .end = end, .payload = {out, len}};
	size_t head = wire_put_response_head(out, &response);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

static void plugin_sends_data(struct world *world, uint32_t id, size_t len, bool end)
{
	static uint8_t out[20000];
	struct wire_data data = {.id = id, .end = end, .payload = {out, len}};
	size_t head = wire_put_data_head(out, &data);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

static void plugin_cancels(struct world *world, uint32_t id, uint32_t code)
{
	uint8_t out[WIRE_CANCEL_BOUND];
	struct wire_cancel cancel = {.id = id, .code = code};

	plugin_sends(world, out, wire_put_cancel(out, &cancel));
}

static void plugin_gives_credit(struct world *world, uint32_t id, uint32_t bytes)
{
	uint8_t out[WIRE_CREDIT_BOUND];
	struct wire_credit credit = {id, bytes};

	plugin_sends(world, out, wire_put_credit(out, &credit));
}

static void plugin_calls(struct world *world, uint32_t id, size_t len, bool more, bool end)
{
	static uint8_t out[20000];
	struct wire_request request = {
		.id = id, .method = 1, .more = more, .end = end, .payload = {out, len}};
	size_t head = wire_put_request_head(out, &request);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

static uint32_t live(const struct world *world)
{
	return outgoing_live(&world->calls.outgoing);
}

/* ---- one call ---- */

static void a_small_call_is_one_frame_each_way(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 64, true);

	assert_string_equal(host_said(world), "request(64!) ");
	plugin_responds(world, call->id, 0, 10, true);
	assert_string_equal(world->heard, "response(0,10)! ");
	assert_string_equal(host_said(world), "");
	assert_int_equal(live(world), 0);
}

static void ids_are_odd_and_differ_when_a_slot_is_used_again(void **state)
{
	struct world *world = *state;
	uint32_t first = start(world, 0, true)->id;
	uint32_t second;

	plugin_responds(world, first, 0, 0, true);
	second = start(world, 0, true)->id;
	assert_int_equal(first % 2, 1);
	assert_int_equal(second % 2, 1);
	assert_int_not_equal(first, second);
}

static void a_plugin_that_has_all_the_calls_it_takes_gets_no_more(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 4; i++)
		assert_non_null(start(world, 0, true));
	assert_null(start(world, 0, true));
}

static void a_stream_comes_in_order_and_ends(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	plugin_responds(world, call->id, 0, 5, false);
	plugin_sends_data(world, call->id, 6, false);
	plugin_sends_data(world, call->id, 0, true);
	assert_string_equal(world->heard, "response(0,5) data(6) data(0)! ");
	assert_int_equal(live(world), 0);
}

static void an_answer_that_is_taken_back_breaks_the_call(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	plugin_responds(world, call->id, 0, 5, false);
	plugin_cancels(world, call->id, 15);
	assert_string_equal(world->heard, "response(0,5) aborted(15)! ");
	assert_int_equal(live(world), 0);
}

static void an_early_answer_ends_what_was_still_to_be_sent(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 10, false);

	assert_string_equal(host_said(world), "request(10) ");
	plugin_responds(world, call->id, 9, 0, true);
	assert_string_equal(world->heard, "response(9,0)! ");
	assert_string_equal(host_said(world), "cancel(1) ");
	assert_int_equal(live(world), 0);
}

static void when_the_channel_goes_every_call_hears_it_once(void **state)
{
	struct world *world = *state;

	start(world, 0, true);
	start(world, 0, false);
	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	assert_string_equal(world->heard, "gone! gone! ");
	assert_int_equal(live(world), 0);
}

/* ---- windows of the plugin ---- */

static void a_large_message_goes_in_chunks_as_far_as_the_window(void **state)
{
	struct world *world = *state;

	start(world, 4500, true);
	assert_string_equal(host_said(world),
			    "request(1000+) data(1000+) data(1000+) data(1000+) ");
	plugin_gives_credit(world, world->call->id, 4000);
	assert_string_equal(host_said(world), "data(500!) ");
	assert_string_equal(world->heard, "writable ");
}

static void the_channels_window_binds_all_calls_together(void **state)
{
	struct world *world = *state;
	struct call *first = start(world, 4000, true);
	struct call *second;

	host_said(world);
	second = start(world, 4000, true);
	assert_string_equal(host_said(world), "request(1000+) data(1000+) ");
	plugin_gives_credit(world, 0, 500);
	assert_string_equal(host_said(world), "data(500+) ");
	plugin_responds(world, first->id, 0, 0, true);
	plugin_gives_credit(world, 0, 6000);
	assert_string_equal(host_said(world), "data(1000+) data(500!) ");
	plugin_responds(world, second->id, 0, 0, true);
	assert_int_equal(live(world), 0);
}

static void a_small_call_overtakes_a_large_one_that_waits(void **state)
{
	struct world *world = *state;

	start(world, 10000, true);
	host_said(world);
	start(world, 64, true);
	assert_string_equal(host_said(world), "request(64!) ");
}

static void waiting_calls_take_turns(void **state)
{
	struct world *world = *state;

	start(world, 4000, true);
	host_said(world);
	start(world, 4000, true);
	start(world, 4000, true);
	host_said(world);
	/* 2000 + 0 were sent; the second and the third wait for the channel */
	plugin_gives_credit(world, 0, 4000);
	assert_string_equal(host_said(world), "data(1000+) data(1000+) data(1000!) data(1000+) ");
}

static void what_is_sent_piece_by_piece_keeps_its_boundaries(void **state)
{
	static const uint8_t zeros[3000];
	struct world *world = *state;
	struct call *call = start(world, 3500, false);
	struct outgoing *outgoing = &world->calls.outgoing;

	host_said(world);
	assert_false(outgoing_send(outgoing, call, (struct wire_bytes){zeros, 700}, false, false));
	assert_false(outgoing_send(outgoing, call, (struct wire_bytes){zeros, 20}, false, true));
	assert_string_equal(host_said(world), "data(500+) ");
	plugin_gives_credit(world, call->id, 210);
	assert_string_equal(host_said(world), "data(200) data(10+) ");
	plugin_gives_credit(world, call->id, 210);
	assert_string_equal(host_said(world), "data(10!) ");
}

/* ---- our windows ---- */

static void credit_comes_back_in_halves_of_a_window(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	host_said(world);
	plugin_responds(world, call->id, 0, 1000, false);
	assert_string_equal(host_said(world), "");
	plugin_sends_data(world, call->id, 1000, false);
	assert_string_equal(host_said(world), "credit(call 2000) ");
	plugin_sends_data(world, call->id, 1000, false);
	assert_string_equal(host_said(world), "credit(3000) ");
}

static void the_channel_carries_more_than_its_window_in_the_long_run(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 20; i++)
		plugin_responds(world, start(world, 0, true)->id, 0, 1000, true);
	assert_int_equal(world->violation.code, 0);
	assert_int_equal(live(world), 0);
}

static void what_is_not_consumed_gives_the_channel_credit_but_not_the_call(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	host_said(world);
	world->consumes = false;
	plugin_responds(world, call->id, 0, 1000, false);
	plugin_sends_data(world, call->id, 2000, false);
	assert_string_equal(host_said(world), "credit(3000) ");
	outgoing_consumed(&world->calls.outgoing, call, 3000);
	assert_string_equal(host_said(world), "credit(call 3000) ");
}

static void more_than_the_calls_window_is_a_violation(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	world->consumes = false;
	plugin_responds(world, call->id, 0, 4001, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

static void more_than_the_channels_window_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 6001, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

/* ---- cancel ---- */

static void a_cancelled_call_is_live_until_the_plugin_has_ended_it(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);
	uint32_t id = call->id;

	outgoing_cancel(&world->calls.outgoing, call, 4, STR_LITERAL("too late"));
	assert_string_equal(host_said(world), "request(0!) cancel(4) ");
	assert_int_equal(live(world), 1);
	plugin_responds(world, id, 0, 10, true);
	assert_int_equal(live(world), 0);
	assert_string_equal(world->heard, "");
	assert_int_equal(world->violation.code, 0);
}

static void a_late_answer_never_meets_the_next_call(void **state)
{
	struct world *world = *state;
	uint32_t late = start(world, 0, true)->id;

	outgoing_cancel(&world->calls.outgoing, world->call, 4, STR_LITERAL(""));
	start(world, 0, true);
	plugin_responds(world, late, 0, 33, true);
	assert_string_equal(world->heard, "");
	plugin_responds(world, world->call->id, 0, 44, true);
	assert_string_equal(world->heard, "response(0,44)! ");
}

static void cancelling_gives_back_what_the_owner_held(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	world->consumes = false;
	plugin_responds(world, call->id, 0, 4000, false);
	host_said(world);
	outgoing_cancel(&world->calls.outgoing, call, 1, STR_LITERAL(""));
	assert_string_equal(host_said(world), "cancel(1) credit(call 4000) ");
}

static void cancelling_drops_what_waits_for_credit(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 9000, true);

	host_said(world);
	outgoing_cancel(&world->calls.outgoing, call, 1, STR_LITERAL(""));
	assert_string_equal(host_said(world), "cancel(1) ");
	plugin_gives_credit(world, call->id, 4000);
	assert_string_equal(host_said(world), "");
}

/* ---- violations ---- */

static void an_answer_to_nobodys_call_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_responds(world, 4711, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_second_answer_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, true);
	plugin_responds(world, id, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void an_answer_with_the_id_of_the_slots_last_call_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t old = start(world, 0, true)->id;

	plugin_responds(world, old, 0, 0, true);
	start(world, 0, true);
	plugin_responds(world, old, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_second_response_within_an_answer_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, false);
	plugin_responds(world, id, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void data_before_the_response_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_sends_data(world, start(world, 0, true)->id, 1, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_failure_that_does_not_end_the_call_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_responds(world, start(world, 0, true)->id, 5, 0, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void taking_back_an_answer_that_was_not_given_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_cancels(world, start(world, 0, true)->id, 1);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void endless_credit_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_gives_credit(world, 0, 0x7fffffff);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

static void credit_for_a_call_that_has_just_ended_is_nothing(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, true);
	plugin_gives_credit(world, id, 10);
	assert_int_equal(world->violation.code, 0);
}

/* ---- the plugin's own calls ---- */

static void a_plugins_call_is_answered_once(void **state)
{
	struct world *world = *state;
	struct incoming_answer answer = {.code = 0};

	plugin_calls(world, 2, 3, false, true);
	assert_int_equal(world->incoming_id, 2);
	incoming_answer(&world->calls.incoming, 2, &answer);
	incoming_answer(&world->calls.incoming, 2, &answer);
	assert_string_equal(host_said(world), "response(2,0) ");
	plugin_calls(world, 2, 3, false, true);
	assert_int_equal(world->violation.code, 0);
}

static void a_plugins_long_request_is_refused_with_a_code(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 3, true, false);
	assert_string_equal(host_said(world), "response(2,8) ");
	plugin_sends_data(world, 2, 3, true);
	assert_int_equal(world->violation.code, 0);
	assert_int_equal(world->incoming_id, 0);
}

static void a_plugins_call_with_an_odd_or_live_id_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 0, false, true);
	plugin_calls(world, 2, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_plugin_may_not_use_the_hosts_ids(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 3, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void more_calls_than_were_allowed_are_a_violation(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 1; i <= INCOMING_MAX_CALLS; i++)
		plugin_calls(world, 2 * i, 0, false, true);
	assert_int_equal(world->violation.code, 0);
	plugin_calls(world, 2 * INCOMING_MAX_CALLS + 2, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_small_call_is_one_frame_each_way),
		TEST(ids_are_odd_and_differ_when_a_slot_is_used_again),
		TEST(a_plugin_that_has_all_the_calls_it_takes_gets_no_more),
		TEST(a_stream_comes_in_order_and_ends),
		TEST(an_answer_that_is_taken_back_breaks_the_call),
		TEST(an_early_answer_ends_what_was_still_to_be_sent),
		TEST(when_the_channel_goes_every_call_hears_it_once),
		TEST(a_large_message_goes_in_chunks_as_far_as_the_window),
		TEST(the_channels_window_binds_all_calls_together),
		TEST(a_small_call_overtakes_a_large_one_that_waits),
		TEST(waiting_calls_take_turns),
		TEST(what_is_sent_piece_by_piece_keeps_its_boundaries),
		TEST(credit_comes_back_in_halves_of_a_window),
		TEST(the_channel_carries_more_than_its_window_in_the_long_run),
		TEST(what_is_not_consumed_gives_the_channel_credit_but_not_the_call),
		TEST(more_than_the_calls_window_is_a_violation),
		TEST(more_than_the_channels_window_is_a_violation),
		TEST(a_cancelled_call_is_live_until_the_plugin_has_ended_it),
		TEST(a_late_answer_never_meets_the_next_call),
		TEST(cancelling_gives_back_what_the_owner_held),
		TEST(cancelling_drops_what_waits_for_credit),
		TEST(an_answer_to_nobodys_call_is_a_violation),
		TEST(a_second_answer_is_a_violation),
		TEST(an_answer_with_the_id_of_the_slots_last_call_is_a_violation),
		TEST(a_second_response_within_an_answer_is_a_violation),
		TEST(data_before_the_response_is_a_violation),
		TEST(a_failure_that_does_not_end_the_call_is_a_violation),
		TEST(taking_back_an_answer_that_was_not_given_is_a_violation),
		TEST(endless_credit_is_a_violation),
		TEST(credit_for_a_call_that_has_just_ended_is_nothing),
		TEST(a_plugins_call_is_answered_once),
		TEST(a_plugins_long_request_is_refused_with_a_code),
		TEST(a_plugins_call_with_an_odd_or_live_id_is_a_violation),
		TEST(a_plugin_may_not_use_the_hosts_ids),
		TEST(more_calls_than_were_allowed_are_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
