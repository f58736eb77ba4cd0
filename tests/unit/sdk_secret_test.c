/* The secrets of a plugin: there for its author, byte for byte, and nowhere else in its memory. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk_host.h"

#define SCAN_BYTES (1u << 20)
#define MAP_MAX	   (1ul << 30) /* a larger one is a sanitizer's bookkeeping */

enum { BYTES = 1, TEXT, COPIES };

static const char *name_in(struct plug_call *call, char *out, size_t size)
{
	struct plug_bytes in = plug_request(call);

	snprintf(out, size, "%.*s", (int)in.len, (const char *)in.data);
	return out;
}

static struct plug_answer bytes(struct plug_call *call)
{
	char name[64];
	struct plug_bytes value =
		plug_secret(plug_call_plug(call), name_in(call, name, sizeof(name)));

	return value.data != NULL ? plug_reply(call, value.data, value.len)
				  : plug_reply(call, "(none)", strlen("(none)"));
}

static struct plug_answer text(struct plug_call *call)
{
	char name[64];
	const char *value =
		plug_secret_text(plug_call_plug(call), name_in(call, name, sizeof(name)));

	return value != NULL ? plug_reply(call, value, strlen(value))
			     : plug_reply(call, "(none)", strlen("(none)"));
}

struct scan {
	int memory; /* /proc/self/mem */
	uint8_t *window;
	struct plug_bytes value;
	unsigned found;
};

static void scan_map(struct scan *scan, unsigned long from, unsigned long to)
{
	unsigned long value = (unsigned long)(uintptr_t)scan->value.data;
	unsigned long window = (unsigned long)(uintptr_t)scan->window;
	bool is_ours = (value >= from && value < to) || (window >= from && window < to);

	for (; !is_ours && from < to && to - from <= MAP_MAX; from += SCAN_BYTES / 2) {
		ssize_t n = pread(scan->memory, scan->window,
				  to - from < SCAN_BYTES ? to - from : SCAN_BYTES, (off_t)from);

		if (n > 0 && memmem(scan->window, (size_t)n, scan->value.data, scan->value.len))
			scan->found++;
	}
}

/* In how many places besides its own the value is in the memory of this process. */
static struct plug_answer copies(struct plug_call *call)
{
	struct scan scan = {.memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char name[64];
	char line[512];

	/* A shared one, so that the kernel joins it with no other mapping. */
	scan.window =
		mmap(NULL, SCAN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	scan.value = plug_secret(plug_call_plug(call), name_in(call, name, sizeof(name)));
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx r", &from, &to) == 2)
			scan_map(&scan, from, to);
	}
	munmap(scan.window, SCAN_BYTES);
	fclose(maps);
	close(scan.memory);
	snprintf(name, sizeof(name), "%u", scan.found);
	return plug_reply(call, name, strlen(name));
}

static const struct plug_method methods[] = {
	{.name = "Bytes", .handler = bytes, .codec = PLUG_BYTES},
	{.name = "Text", .handler = text, .codec = PLUG_BYTES},
	{.name = "Copies", .handler = copies, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Secret", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_plugin plugin = {
	.name = "keeper",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};

static void assert_answer(struct host *host, uint32_t method, const char *name, const void *data,
			  size_t len)
{
	static uint32_t id = 1;
	struct wire_response response;

	host_say_request(host,
			 &(struct wire_request){.id = id,
						.method = method,
						.end = true,
						.payload = {(const uint8_t *)name, strlen(name)}});
	response = host_hear_response(host, id);
	id += 2;
	assert_int_equal(response.payload.len, len);
	assert_memory_equal(response.payload.data, data, len);
}

static void values_are_there_byte_for_byte(void **state)
{
	static const struct host_secret secrets[] = {
		{"password", "hunter2\r\n", 9}, {"lines", "a\n\n", 3}, {"bare", "x", 1},
		{"binary", "\0\n\377", 3},	{"empty", "", 0},      {NULL, NULL, 0},
	};
	static const struct {
		uint32_t method;
		const char *name, *answer;
		size_t len;
	} rows[] = {
		{BYTES, "password", "hunter2\r\n", 9},
		{TEXT, "password", "hunter2", 7},
		{BYTES, "lines", "a\n\n", 3},
		{TEXT, "lines", "a\n", 2},
		{BYTES, "bare", "x", 1},
		{TEXT, "bare", "x", 1},
		{BYTES, "binary", "\0\n\377", 3},
		{TEXT, "binary", "(none)", 6},
		{BYTES, "empty", "", 0},
		{TEXT, "empty", "", 0},
		{BYTES, "other", "(none)", 6},
		{TEXT, "other", "(none)", 6},
	};
	struct host_hello hello = {.secrets = secrets};
	struct host *host = host_start(&plugin);

	(void)state;
	host_greet(host, &hello);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_answer(host, rows[i].method, rows[i].name, rows[i].answer, rows[i].len);
	assert_int_equal(host_end(host, true), 0);
}

/* Made when the child is there already, so that it has no copy of it from us; one is so long that
 * it comes in several reads. */
static void a_value_is_in_one_place_only(void **state)
{
	static const size_t sizes[] = {40, 65536};
	struct host *host = host_start(&plugin);
	struct host_secret secrets[5] = {{NULL, NULL, 0}};
	struct host_hello hello = {.secrets = secrets};
	char *values[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"short", "a", "b", "c"};
		size_t len = sizes[i > 0];

		values[i] = malloc(len);
		assert_non_null(values[i]);
		assert_int_equal(getrandom(values[i], len, 0), len);
		secrets[i] = (struct host_secret){names[i], values[i], len};
	}
	host_greet(host, &hello);
	for (size_t i = 0; i < 4; i++) {
		assert_answer(host, COPIES, secrets[i].name, "0", 1);
		free(values[i]);
	}
	assert_int_equal(host_end(host, true), 0);
}

static void without_secrets_there_are_none(void **state)
{
	struct host *host = host_start_ready(&plugin);

	(void)state;
	assert_answer(host, BYTES, "password", "(none)", 6);
	assert_int_equal(host_end(host, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_there_byte_for_byte),
		cmocka_unit_test(a_value_is_in_one_place_only),
		cmocka_unit_test(without_secrets_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
