/* Calls to a plugin through the host's own corridor (dispatch, pool, instance, channel), without an
 * edge: what one call costs.
 *
 *	rpc EXECUTABLE pipe|socketpair BYTES DEPTH CALLS
 *		prints: calls/s p50_ns p99_ns cpu_us/call host_rss_kB plugin_rss_kB
 *	rpc EXECUTABLE start none|standard|strict TIMES
 *		prints: median_us min_us max_us   (exec to READY)
 *	rpc EXECUTABLE growth CALLS
 *		prints: host_rss_kB plugin_rss_kB after a tenth of the calls, and both at the end
 *		(64 bytes, 64 in flight)
 *
 * Calls go to a plugin in the sandbox that it has by default, standard; a start says which one. The
 * plugin must provide echo.v1.Echo/Say. CPU is that of both processes, user and system. Used by
 * tools/bench. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "dispatch/dispatch.h"
#include "plugin/pool.h"
#include "registry/service.h"
#include "trust/exec.h"
#include "trust/whitelist.h"

struct bench {
	struct spawner *spawner;
	struct loop *loop;
	struct dispatch *dispatch;
	struct target target;
	struct pool *pool;
	uint32_t method;
	uint8_t *payload;
	size_t bytes;
	unsigned depth;
	long calls;
	long begun;
	long done;
	long warm;
	bool running;
	int64_t *started_ns;  /* of each slot */
	uint32_t *latency_ns; /* of each call; NULL: it is about memory */
	long early_host_kb;
	long early_plugin_kb;
	int64_t begin_ns;
	double begin_cpu_us;
	struct slot {
		struct bench *bench;
		unsigned number;
		size_t got;
	} * slots;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static double self_cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* se.sum_exec_runtime, in nanoseconds: finer than the ticks of stat. */
static double process_cpu_us(pid_t pid)
{
	char path[64];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return (double)ns / 1e3;
}

static long rss_kb(pid_t pid)
{
	char path[64];
	long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static pid_t plugin_pid(const struct bench *bench)
{
	return instance_pid(pool_slot(bench->pool, 0));
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(struct bench *bench)
{
	double seconds = (double)(now_ns() - bench->begin_ns) / 1e9;
	double cpu_us = self_cpu_us() + process_cpu_us(plugin_pid(bench)) - bench->begin_cpu_us;

	qsort(bench->latency_ns, (size_t)bench->calls, sizeof(uint32_t), compare_u32);
	printf("%.0f %u %u %.3f %ld %ld\n", (double)bench->calls / seconds,
	       bench->latency_ns[bench->calls / 2], bench->latency_ns[bench->calls * 99 / 100],
	       cpu_us / (double)bench->calls, rss_kb(getpid()), rss_kb(plugin_pid(bench)));
	loop_stop(bench->loop);
}

static void report_growth(const struct bench *bench)
{
	printf("%ld %ld %ld %ld\n", bench->early_host_kb, bench->early_plugin_kb, rss_kb(getpid()),
	       rss_kb(plugin_pid(bench)));
	loop_stop(bench->loop);
}

static const struct dispatch_ops ops;

static void begin(struct slot *slot)
{
	struct bench *bench = slot->bench;
	struct wire_request request = {
		.method = bench->method, .end = true, .payload = {bench->payload, bench->bytes}};
	struct dispatch_opts opts = {
		.target = &bench->target, .timeout_ms = 30000, .request = &request};

	if (bench->begun == bench->warm) {
		bench->begin_ns = now_ns();
		bench->begin_cpu_us = self_cpu_us() + process_cpu_us(plugin_pid(bench));
	}
	if (bench->begun >= bench->calls + bench->warm)
		return;
	bench->begun++;
	slot->got = 0;
	bench->started_ns[slot->number] = now_ns();
	dispatch_start(bench->dispatch, &opts, &ops, slot);
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct slot *slot = user;

	slot->got += response->payload.len;
	return true;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct slot *slot = user;

	slot->got += data->payload.len;
	return true;
}

static void on_writable(void *user)
{
}

static void on_done(void *user, const struct dispatch_result *result)
{
	struct slot *slot = user;
	struct bench *bench = slot->bench;
	int64_t ns = now_ns() - bench->started_ns[slot->number];

	if (result->outcome != OUTCOME_OK || slot->got != bench->bytes) {
		fprintf(stderr, "a call failed: %s %.*s (%zu bytes)\n",
			outcome_row(result->outcome)->name, STR_ARG(result->message), slot->got);
		exit(1);
	}
	if (bench->latency_ns && bench->done >= bench->warm)
		bench->latency_ns[bench->done - bench->warm] = (uint32_t)ns;
	if (++bench->done < bench->calls + bench->warm)
		begin(slot);
	else if (bench->latency_ns)
		report(bench);
	else
		report_growth(bench);
	if (bench->done == bench->calls / 10) {
		bench->early_host_kb = rss_kb(getpid());
		bench->early_plugin_kb = rss_kb(plugin_pid(bench));
	}
}

static const struct dispatch_ops ops = {on_response, on_data, on_writable, on_done};

static bool on_manifest(void *user, struct pool *pool, const struct manifest *manifest,
			struct err *err)
{
	struct bench *bench = user;
	const struct manifest_method *method =
		manifest_find(manifest, STR_LITERAL("echo.v1.Echo"), STR_LITERAL("Say"));

	if (method)
		bench->method = method->number;
	return method != NULL;
}

static void on_change(void *user, struct pool *pool)
{
	struct bench *bench = user;

	if (bench->running || pool_ready_count(pool) == 0)
		return;
	bench->running = true;
	for (unsigned i = 0; i < bench->depth; i++)
		begin(&bench->slots[i]);
}

static void on_drained(void *user, struct pool *pool)
{
}

static const struct pool_ops pool_ops = {
	.on_manifest = on_manifest, .on_change = on_change, .on_drained = on_drained};

static struct whitelist *pin(const char *executable)
{
	struct whitelist_problems problems = {NULL, 0, 0};
	struct whitelist *whitelist = NULL;
	struct exec_image *image;
	char hex[2 * sizeof(image->file.digest.bytes) + 1];
	struct err err;
	char *text;

	if (exec_image_load_unpinned(executable, &image, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	str_hex(hex, image->file.digest.bytes, sizeof(image->file.digest.bytes));
	text = mem_printf("version: 1\nplugins:\n  - {path: %s, hash: %s}\n", image->file.real,
			  hex);
	whitelist_parse(str_from(text), "pin", &whitelist, &problems);
	whitelist_problems_deinit(&problems);
	exec_image_release(image);
	free(text);
	return whitelist;
}

static void start_pool(struct bench *bench, const struct plugin_opts *plugin,
		       const struct whitelist *whitelist)
{
	struct pool_opts opts = {.loop = bench->loop,
				 .spawner = bench->spawner,
				 .plugin = plugin,
				 .guard = &(struct guard){.whitelist = whitelist},
				 .host_version = "bench",
				 .generation = 1,
				 .ops = &pool_ops,
				 .user = bench};
	struct err err;

	bench->pool = pool_new(&opts);
	dispatch_init_target(&bench->target, plugin);
	bench->target.pool = bench->pool;
	if (pool_start(bench->pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static int bench_start(struct bench *bench, const struct plugin_opts *plugin,
		       const struct whitelist *whitelist, long times)
{
	uint32_t *us = mem_array((size_t)times, sizeof(*us));

	for (long i = 0; i < times; i++) {
		start_pool(bench, plugin, whitelist);
		while (pool_ready_count(bench->pool) == 0)
			loop_turn(bench->loop, true);
		us[i] = (uint32_t)instance_start_us(pool_slot(bench->pool, 0));
		pool_free(bench->pool);
		loop_turn(bench->loop, false);
	}
	qsort(us, (size_t)times, sizeof(*us), compare_u32);
	printf("%u %u %u\n", us[times / 2], us[0], us[times - 1]);
	free(us);
	return 0;
}

static enum sandbox_profile profile_of(const char *word)
{
	if (strcmp(word, "strict") == 0)
		return SANDBOX_STRICT;
	return strcmp(word, "none") == 0 ? SANDBOX_NONE : SANDBOX_STANDARD;
}

static int bench_calls(struct bench *bench, const struct plugin_opts *plugin,
		       const struct whitelist *whitelist, bool timed)
{
	size_t latency_bytes = (size_t)bench->calls * sizeof(*bench->latency_ns);

	if (timed) /* touched now, so that it is not taken for growth later */
		bench->latency_ns = memset(mem_alloc(latency_bytes), 1, latency_bytes);
	bench->warm = bench->calls / 20 + bench->depth;
	bench->payload = mem_zalloc(bench->bytes + 1);
	memset(bench->payload, 'x', bench->bytes);
	bench->slots = mem_array(bench->depth, sizeof(*bench->slots));
	bench->started_ns = mem_array(bench->depth, sizeof(*bench->started_ns));
	for (unsigned i = 0; i < bench->depth; i++)
		bench->slots[i] = (struct slot){bench, i, 0};
	start_pool(bench, plugin, whitelist);
	loop_run(bench->loop);
	pool_free(bench->pool);
	loop_turn(bench->loop, false);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct spawner_duty no_duty;
	static char name[] = "echo";
	struct bench bench = {.spawner = spawner_new(&no_duty, NULL), .loop = loop_new()};
	struct plugin_opts plugin = {
		.name = name,
		.enabled = true,
		.instances = 1,
		.pipe_bytes = 256 << 10,
		.handshake_timeout_ms = 10000,
		.drain_timeout_ms = 1000,
		.timeout_ms = 30000,
		.concurrency = 1024,
		.queue = 1024,
		.queue_timeout_ms = 1000,
		.retry = {.max_attempts = 3, .budget_percent = 20, .budget_min = 3},
		.breaker = {.enabled = true,
			    .failure_threshold = 5,
			    .failure_percent = 50,
			    .min_calls = 3,
			    .window_ms = 10000,
			    .recovery_ms = 30000,
			    .probes = 2},
		.max_message_bytes = 16 << 20,
		.sandbox = {.profile = SANDBOX_STANDARD},
	};
	struct whitelist *whitelist;
	int status;

	if (argc < 4 || argc > 6) {
		fprintf(stderr, "usage: rpc EXECUTABLE pipe|socketpair BYTES DEPTH CALLS\n"
				"       rpc EXECUTABLE start none|standard|strict TIMES\n"
				"       rpc EXECUTABLE growth CALLS\n");
		return 2;
	}
	plugin.executable = argv[1];
	plugin.transport = strcmp(argv[2], "socketpair") == 0 ? PLUGIN_SOCKETPAIR : PLUGIN_PIPE;
	bench.dispatch = dispatch_new(bench.loop);
	whitelist = pin(argv[1]);
	bench.bytes = argc == 6 ? (size_t)atol(argv[3]) : 64;
	bench.calls = atol(argv[argc - 1]);
	if (strcmp(argv[2], "start") == 0 && argc == 5) {
		plugin.sandbox.profile = profile_of(argv[3]);
		status = bench_start(&bench, &plugin, whitelist, bench.calls);
	} else {
		bench.depth = argc == 6 ? (unsigned)atol(argv[4]) : 64;
		status = bench_calls(&bench, &plugin, whitelist, argc == 6);
	}
	spawner_free(bench.spawner);
	return status;
}
