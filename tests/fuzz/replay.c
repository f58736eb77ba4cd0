/* Runs a fuzz target over its seeds without a fuzzer: every file of the directories that are named,
 * each beginning of it, and nothing at all. So the targets are compiled and their seeds are held in
 * every run of the suite, whatever the compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_BYTES_MAX (64u << 10)
#define BEGINNINGS_MAX 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of exactly that size, so that reading over the end is seen. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size ? size : 1);

	if (!copy)
		exit(1);
	if (size > 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int replay_file(const char *path)
{
	static uint8_t data[SEED_BYTES_MAX];
	FILE *file = fopen(path, "rb");

	if (!file)
		return -1;
	size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run(data, size);
	for (size_t part = 0; part < size && part < BEGINNINGS_MAX; part++)
		run(data, part);
	return 0;
}

static int replay_dir(const char *path)
{
	char name[4096];
	int count = 0;
	DIR *dir = opendir(path);

	if (!dir)
		return -1;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (replay_file(name) != 0)
			count = -1;
		if (count < 0)
			break;
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	run(NULL, 0);
	for (int i = 1; i < argc; i++) {
		int count = replay_dir(argv[i]);
		if (count <= 0) {
			fprintf(stderr, "no seed can be read from %s\n", argv[i]);
			return 1;
		}
		printf("%d seeds from %s\n", count, argv[i]);
	}
	return 0;
}
