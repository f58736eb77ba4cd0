/* A plugin that is a real child and plays a script. */
#include "tests/support/plugin_world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/unit.h"

void plugin_world_init(struct plugin_world *world)
{
	void *fixture;

	signal(SIGPIPE, SIG_IGN); /* as the host does */
	assert_int_equal(process_world_setup(&fixture), 0);
	*world = (struct plugin_world){
		.fixture = fixture,
		.loop = ((struct fixture *)fixture)->loop,
		.spawner = ((struct fixture *)fixture)->spawner,
		.opts = {.name = (char *)"test",
			 .executable = (char *)PLUGIN_CHILD,
			 .work_dir = ((struct fixture *)fixture)->directory,
			 .instances = 1,
			 .handshake_timeout_ms = HOUR_MS,
			 .drain_timeout_ms = HOUR_MS,
			 .restart = {.initial_delay_ms = 100, .max_delay_ms = HOUR_MS},
			 .max_message_bytes = 1 << 20},
	};
}

void plugin_world_deinit(struct plugin_world *world)
{
	process_world_teardown((void *[]){world->fixture});
}

void plugin_world_note(struct plugin_world *world, const char *format, ...)
{
	size_t len = strlen(world->heard);
	va_list args;

	va_start(args, format);
	vsnprintf(world->heard + len, sizeof(world->heard) - len, format, args);
	va_end(args);
}

static bool on_response(void *user, const struct wire_response *response)
{
	plugin_world_note(user, "%s(%.*s) ", response->end ? "answer" : "begun",
			  (int)response->payload.len, (const char *)response->payload.data);
	return true;
}

static bool on_data(void *user, const struct wire_data *data)
{
	return true;
}

static void on_writable(void *user)
{
}

static void on_broken(void *user, const struct call_break *why)
{
	assert_int_equal(why->kind, CALL_GONE);
	plugin_world_note(user, "gone(%.*s) ", STR_ARG(why->reason));
}

const struct call_ops plugin_world_call_ops = {on_response, on_data, on_writable, on_broken};

bool is_process_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}
