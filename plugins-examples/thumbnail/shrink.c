/* The arithmetic: a pixel of the image is `to` units wide and one of the thumbnail `from` units, so
 * that both rows have the same length and every share is a whole number. As from >= to, a pixel of
 * the image lies in at most two of the thumbnail, and a row in at most two rows. Nothing is rounded
 * before the end.
 *
 * With alpha, a colour counts as much as it is opaque: a transparent pixel has no colour to
 * give. */
#include "shrink.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 65535

struct shrink {
	struct extent from;
	struct picture picture;
	uint32_t rows_done; /* of the thumbnail */
	uint32_t room;	    /* units of its next row that no row of the image covers yet */
	uint64_t *sums;	    /* that row, so far */
	uint64_t *line;	    /* the last row of the image, in the width of the thumbnail */
};

static uint32_t scaled(uint32_t length, uint32_t side, uint32_t longest)
{
	uint32_t result = (uint32_t)(((uint64_t)length * side + longest / 2) / longest);

	return result > 0 ? result : 1;
}

struct extent extent_fit(struct extent image, uint32_t side)
{
	uint32_t longest = image.width > image.height ? image.width : image.height;

	if (longest <= side)
		return image;
	return (struct extent){scaled(image.width, side, longest),
			       scaled(image.height, side, longest)};
}

struct shrink *shrink_new(struct extent from, struct extent to, unsigned channels)
{
	struct shrink *shrink = calloc(1, sizeof(*shrink));
	size_t row = (size_t)to.width * channels;

	assert(channels == 3 || channels == 4);
	assert(to.width > 0 && to.width <= from.width && from.width <= SIDE_MAX);
	assert(to.height > 0 && to.height <= from.height && from.height <= SIDE_MAX);
	if (!shrink)
		return NULL;
	shrink->from = from;
	shrink->room = from.height;
	shrink->picture.extent = to;
	shrink->picture.channels = channels;
	shrink->picture.pixels = calloc(to.height, row);
	shrink->sums = calloc(row, sizeof(*shrink->sums));
	shrink->line = calloc(row, sizeof(*shrink->line));
	if (shrink->picture.pixels && shrink->sums && shrink->line)
		return shrink;
	shrink_free(shrink);
	return NULL;
}

void shrink_free(struct shrink *shrink)
{
	if (!shrink)
		return;
	free(shrink->picture.pixels);
	free(shrink->sums);
	free(shrink->line);
	free(shrink);
}

static void pixel_add(uint64_t *sum, const uint8_t *pixel, unsigned channels, uint64_t share)
{
	uint64_t weight = channels == 4 ? share * pixel[3] : share;

	sum[0] += weight * pixel[0];
	sum[1] += weight * pixel[1];
	sum[2] += weight * pixel[2];
	if (channels == 4)
		sum[3] += weight;
}

/* The row in the width of the thumbnail. */
static void line_gather(struct shrink *shrink, const uint8_t *row)
{
	unsigned channels = shrink->picture.channels;
	uint32_t share = shrink->picture.extent.width;
	uint32_t room = shrink->from.width;
	uint64_t *out = shrink->line;

	memset(out, 0, sizeof(*out) * channels * share);
	for (uint32_t x = 0; x < shrink->from.width; x++, row += channels) {
		uint32_t part = share < room ? share : room;

		pixel_add(out, row, channels, part);
		room -= part;
		if (room > 0)
			continue;
		out += channels;
		room = shrink->from.width - (share - part);
		if (share > part)
			pixel_add(out, row, channels, share - part);
	}
}

static void sums_add(struct shrink *shrink, uint32_t share)
{
	size_t count = (size_t)shrink->picture.extent.width * shrink->picture.channels;

	for (size_t i = 0; i < count; i++)
		shrink->sums[i] += shrink->line[i] * share;
}

static uint8_t mean(uint64_t sum, uint64_t weight)
{
	return weight > 0 ? (uint8_t)((sum + weight / 2) / weight) : 0;
}

/* The sums become the next row of the thumbnail. */
static void row_finish(struct shrink *shrink)
{
	const struct picture *picture = &shrink->picture;
	size_t count = (size_t)picture->extent.width * picture->channels;
	uint8_t *out = picture->pixels + count * shrink->rows_done;
	uint64_t area = (uint64_t)shrink->from.width * shrink->from.height;

	for (size_t i = 0; i < count; i += picture->channels) {
		const uint64_t *sum = shrink->sums + i;
		uint64_t weight = picture->channels == 4 ? sum[3] : area;

		out[i] = mean(sum[0], weight);
		out[i + 1] = mean(sum[1], weight);
		out[i + 2] = mean(sum[2], weight);
		if (picture->channels == 4)
			out[i + 3] = mean(sum[3], area);
	}
	memset(shrink->sums, 0, count * sizeof(*shrink->sums));
	shrink->rows_done++;
}

void shrink_row(struct shrink *shrink, const uint8_t *row)
{
	uint32_t share = shrink->picture.extent.height;
	uint32_t part = share < shrink->room ? share : shrink->room;

	if (shrink_picture(shrink))
		return;
	line_gather(shrink, row);
	sums_add(shrink, part);
	shrink->room -= part;
	if (shrink->room > 0)
		return;
	row_finish(shrink);
	shrink->room = shrink->from.height - (share - part);
	sums_add(shrink, share - part);
}

const struct picture *shrink_picture(const struct shrink *shrink)
{
	bool complete = shrink->rows_done == shrink->picture.extent.height;

	return complete ? &shrink->picture : NULL;
}
