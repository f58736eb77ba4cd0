/* Requests that kill whoever serves them. Owns the rows of one plugin, few enough to be searched
 * one by one. Called by quarantine.c, which knows calls; nothing here knows what a request is. */
#include "dispatch/poison.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* So many deaths convict the only suspect, and those that shared them. */
#define DEATHS_ALONE  2
#define DEATHS_SHARED 3

void poison_deinit(struct poison *poison)
{
	for (unsigned i = 0; i < poison->count; i++)
		free(poison->rows[i].method);
	free(poison->rows);
	*poison = (struct poison){0};
}

static struct poison_row *find(const struct poison *poison, const struct fingerprint *fingerprint)
{
	for (unsigned i = 0; i < poison->count; i++) {
		struct poison_row *row = &poison->rows[i];

		if (memcmp(&row->fingerprint, fingerprint, sizeof(*fingerprint)) == 0)
			return row;
	}
	return NULL;
}

static void set_death(struct poison *poison, struct poison_row *row, const void *death)
{
	poison->pending += (death != NULL) - (row->death != NULL);
	row->death = death;
}

/* The order of the rows is that of their first death. */
static void drop(struct poison *poison, struct poison_row *row)
{
	size_t after = (size_t)(&poison->rows[poison->count] - (row + 1));

	set_death(poison, row, NULL);
	free(row->method);
	memmove(row, row + 1, after * sizeof(*row));
	poison->count--;
}

/* The oldest one that is only suspected; else the one whose time is over first. */
static struct poison_row *least_wanted(struct poison *poison)
{
	struct poison_row *least = &poison->rows[0];

	for (unsigned i = 0; i < poison->count; i++) {
		struct poison_row *row = &poison->rows[i];

		if (!row->is_quarantined)
			return row;
		if (row->until_ms < least->until_ms)
			least = row;
	}
	return least;
}

static struct poison_row *add(struct poison *poison, const struct fingerprint *fingerprint,
			      const char *method)
{
	struct poison_row *row;

	if (!poison->rows)
		poison->rows = mem_array(POISON_MAX, sizeof(*poison->rows));
	if (poison->count == POISON_MAX)
		drop(poison, least_wanted(poison));
	row = &poison->rows[poison->count++];
	*row = (struct poison_row){
		.fingerprint = *fingerprint, .method = mem_strdup(method), .until_ms = INT64_MAX};
	return row;
}

void poison_suspect(struct poison *poison, const void *death, const struct fingerprint *fingerprint,
		    const char *method)
{
	struct poison_row *row = find(poison, fingerprint);

	set_death(poison, row ? row : add(poison, fingerprint, method), death);
}

static unsigned count_suspects(const struct poison *poison, const void *death)
{
	unsigned count = 0;

	for (unsigned i = 0; i < poison->count; i++)
		count += poison->rows[i].death == death;
	return count;
}

static void acquit(struct poison *poison, const void *death)
{
	for (unsigned i = poison->count; i-- > 0;) {
		struct poison_row *row = &poison->rows[i];

		if (row->death != death)
			continue;
		set_death(poison, row, NULL);
		if (row->deaths == 0)
			drop(poison, row);
	}
}

unsigned poison_judge(struct poison *poison, const void *death, bool is_own_fault, int64_t keep_ms,
		      int64_t now_ms)
{
	unsigned suspects = poison->pending > 0 ? count_suspects(poison, death) : 0;
	unsigned needed = suspects == 1 ? DEATHS_ALONE : DEATHS_SHARED;
	unsigned convicted = 0;

	if (suspects == 0)
		return 0;
	if (!is_own_fault || keep_ms == 0) {
		acquit(poison, death);
		return 0;
	}
	for (unsigned i = 0; i < poison->count; i++) {
		struct poison_row *row = &poison->rows[i];

		if (row->death != death)
			continue;
		row->deaths++;
		row->until_ms = now_ms + keep_ms;
		if (row->is_quarantined || row->deaths < needed) {
			set_death(poison, row, NULL);
			continue;
		}
		row->is_quarantined = true;
		convicted++;
	}
	return convicted;
}

void poison_forget_death(struct poison *poison, const void *death)
{
	for (unsigned i = 0; i < poison->count; i++) {
		if (poison->rows[i].death == death)
			set_death(poison, &poison->rows[i], NULL);
	}
}

/* One that waits for a verdict was in flight twice at once: the other one died. */
void poison_exonerate(struct poison *poison, const struct fingerprint *fingerprint)
{
	struct poison_row *row = find(poison, fingerprint);

	if (row && !row->is_quarantined && !row->death)
		drop(poison, row);
}

bool poison_refuses(struct poison *poison, const struct fingerprint *fingerprint, int64_t now_ms)
{
	struct poison_row *row;

	poison_expire(poison, now_ms);
	row = find(poison, fingerprint);
	if (!row || !row->is_quarantined)
		return false;
	row->refused++;
	return true;
}

void poison_expire(struct poison *poison, int64_t now_ms)
{
	for (unsigned i = poison->count; i-- > 0;) {
		if (poison->rows[i].until_ms <= now_ms && !poison->rows[i].death)
			drop(poison, &poison->rows[i]);
	}
}

bool poison_release(struct poison *poison, const char *id)
{
	char text[POISON_ID_TEXT];

	for (unsigned i = 0; i < poison->count; i++) {
		if (poison->rows[i].death ||
		    strcmp(poison_id(text, &poison->rows[i].fingerprint), id) != 0)
			continue;
		drop(poison, &poison->rows[i]);
		return true;
	}
	return false;
}

void poison_clear(struct poison *poison)
{
	poison_expire(poison, INT64_MAX);
}

char *poison_id(char *out, const struct fingerprint *fingerprint)
{
	str_hex(out, fingerprint->bytes, POISON_ID_BYTES);
	return out;
}
