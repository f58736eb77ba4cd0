/* A box filter that takes an image row by row and keeps only the thumbnail: each pixel of it is the
 * mean of the area that it stands for. Pure: no files, no formats, no errors but the lack of
 * memory. */
#ifndef SHRINK_H
#define SHRINK_H

#include <stdint.h>

struct extent {
	uint32_t width;
	uint32_t height;
};

/* Rows from the top, without gaps, 8 bits a channel: RGB, or RGBA with the alpha not multiplied
 * in. */
struct picture {
	struct extent extent;
	unsigned channels; /* 3 or 4 */
	uint8_t *pixels;
};

/* The largest extent of the same shape that fits into side x side; never larger than the image, and
 * never without a pixel. */
struct extent extent_fit(struct extent image, uint32_t side);

/* `to` is not larger than `from`, and no side of `from` is longer than 65535. NULL: no memory. */
struct shrink *shrink_new(struct extent from, struct extent to, unsigned channels);
void shrink_free(struct shrink *shrink);

/* The next row of the image; borrows it until return. Rows after the last one change nothing. */
void shrink_row(struct shrink *shrink, const uint8_t *row);

/* The thumbnail, valid until shrink_free(); NULL before the last row. */
const struct picture *shrink_picture(const struct shrink *shrink);

#endif
