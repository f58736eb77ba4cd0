/* docgen --write DIRECTORY: writes the generated documents. docgen --check DIRECTORY: fails when
 * they are not what would be written. */
#include "docgen.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct document {
	const char *name;
	void (*write)(struct buf *out);
};

static const struct document documents[] = {
	{"CONFIG.md", config_md_write},	  {"plugd.example.yaml", example_yaml_write},
	{"ERRORS.md", errors_md_write},	  {"METRICS.md", metrics_md_write},
	{"SANDBOX.md", sandbox_md_write},
};

static bool save(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "w");
	if (!file)
		return false;

	bool ok = fwrite(buf_front(text), 1, buf_len(text), file) == buf_len(text);
	return fclose(file) == 0 && ok;
}

static bool is_saved(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "r");
	if (!file)
		return false;

	char *saved = mem_alloc(buf_len(text) + 1);
	size_t len = fread(saved, 1, buf_len(text) + 1, file);
	bool same = len == buf_len(text) && memcmp(saved, buf_front(text), len) == 0;
	free(saved);
	fclose(file);
	return same;
}

static bool handle(const struct document *document, const char *directory, bool check)
{
	char *path = mem_printf("%s/%s", directory, document->name);
	struct buf text = {0};

	document->write(&text);
	bool ok = check ? is_saved(path, &text) : save(path, &text);
	if (!ok && check)
		fprintf(stderr, "%s is not what the tables say: run docgen --write docs\n", path);
	else if (!ok)
		perror(path);
	buf_deinit(&text);
	free(path);
	return ok;
}

int main(int argc, char **argv)
{
	bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
	bool ok = true;

	if (!check && (argc != 3 || strcmp(argv[1], "--write") != 0)) {
		fputs("docgen --write|--check DIRECTORY\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		ok = handle(&documents[i], argv[2], check) && ok;
	return ok ? 0 : 1;
}
