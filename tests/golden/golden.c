/* Reads golden vectors: "== name", then lines of "> hex hex …"; everything else is for people. */
#include "tests/golden/golden.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *more(void *memory, size_t bytes)
{
	void *grown = realloc(memory, bytes ? bytes : 1);

	if (!grown)
		abort();
	return grown;
}

static void malformed(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	exit(1);
}

static void take_hex(struct golden *vector, const char *text, const char *path)
{
	char *end;

	while (*text && !isspace((unsigned char)*text)) {
		unsigned long byte = strtoul(text, &end, 16);

		if (end != text + 2)
			malformed(path, "a line of bytes is no hex");
		vector->bytes = more(vector->bytes, vector->len + 1);
		vector->bytes[vector->len++] = (uint8_t)byte;
		text = *end == ' ' ? end + 1 : end;
	}
}

struct reading {
	struct golden vector; /* bytes NULL: none has begun */
	void (*each)(const struct golden *vector, void *user);
	void *user;
	size_t count;
};

static void end_vector(struct reading *reading)
{
	if (!reading->vector.bytes)
		return;
	reading->each(&reading->vector, reading->user);
	reading->count++;
	free(reading->vector.bytes);
	reading->vector.bytes = NULL;
}

static void begin_vector(struct reading *reading, const char *name)
{
	end_vector(reading);
	snprintf(reading->vector.name, sizeof(reading->vector.name), "%.*s",
		 (int)strcspn(name, "\n"), name);
	reading->vector.bytes = more(NULL, 0);
	reading->vector.len = 0;
}

size_t golden_each(const char *kind, void (*each)(const struct golden *vector, void *user),
		   void *user)
{
	struct reading reading = {.each = each, .user = user};
	char path[512], *line = NULL;
	size_t cap = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN_DIR, kind);
	file = fopen(path, "r");
	if (!file)
		malformed(path, "can't be read");
	while (getline(&line, &cap, file) > 0) {
		if (strncmp(line, "== ", 3) == 0)
			begin_vector(&reading, line + 3);
		else if (strncmp(line, "> ", 2) == 0 && reading.vector.bytes)
			take_hex(&reading.vector, line + 2, path);
	}
	end_vector(&reading);
	fclose(file);
	free(line);
	return reading.count;
}

struct wanted {
	const char *name;
	struct golden found;
};

static void take_wanted(const struct golden *vector, void *user)
{
	struct wanted *wanted = user;

	if (strcmp(vector->name, wanted->name) != 0)
		return;
	wanted->found = *vector;
	wanted->found.bytes = memcpy(more(NULL, vector->len), vector->bytes, vector->len);
}

struct golden golden_find(const char *kind, const char *name)
{
	struct wanted wanted = {.name = name};

	golden_each(kind, take_wanted, &wanted);
	if (!wanted.found.bytes)
		malformed(kind, "has no vector of the name that a test wants");
	return wanted.found;
}
