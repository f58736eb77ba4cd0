/* How far a command is that takes long. Owns the last line of the terminal as long as it has a bar
 * there. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "output.h"

#define BAR_CELLS 24

struct screen {
	bool is_json;
	bool is_terminal;
	bool has_bar; /* the cursor stands behind one */
	char step[32];
};

static void clear_bar(struct screen *screen)
{
	if (screen->has_bar)
		fputs("\r\033[K", stderr);
	screen->has_bar = false;
}

static void draw_bar(struct screen *screen, const char *step, int64_t done, int64_t of)
{
	int64_t full = of > 0 ? done * BAR_CELLS / of : 0;

	clear_bar(screen);
	fprintf(stderr, "%-9s [", step);
	for (int64_t i = 0; i < BAR_CELLS; i++)
		fputc(i < full ? '#' : ' ', stderr);
	fputc(']', stderr);
	if (of > 0)
		fprintf(stderr, " %" PRId64 " of %" PRId64, done, of);
	fflush(stderr);
	screen->has_bar = true;
}

static void on_progress(void *user, const json_t *news)
{
	struct screen *screen = user;
	const char *step = output_member(news, "step");
	bool is_new = strcmp(screen->step, step) != 0;

	snprintf(screen->step, sizeof(screen->step), "%s", step);
	if (screen->is_json) {
		json_dumpf(news, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	} else if (screen->is_terminal) {
		draw_bar(screen, step, output_number(news, "done"), output_number(news, "of"));
	} else if (is_new) {
		output_note("step", step);
	}
}

int progress_watch(const struct plugctl *plugctl, const char *command, json_t *request,
		   json_t **result_out)
{
	struct screen screen = {.is_json = plugctl->is_json, .is_terminal = isatty(STDERR_FILENO)};
	struct client client;
	struct err err;
	int r = client_open(&client, plugctl->socket, &err);

	if (r == 0) {
		r = client_watch(&client, command, request, on_progress, &screen, result_out, &err);
		client_close(&client);
	} else {
		json_decref(request);
	}
	clear_bar(&screen);
	if (r < 0)
		output_error(&err);
	return r;
}
