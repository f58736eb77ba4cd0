/* The box filter of the thumbnail example: extents, means, seams and alpha. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "plugins-examples/thumbnail/shrink.h"

#define PIXELS_MAX 64

/* Shrinks an image and holds the result against the pixels wanted. */
static void check(struct extent from, const uint8_t *image, struct extent to, const uint8_t *want,
		  unsigned channels)
{
	struct shrink *shrink = shrink_new(from, to, channels);
	const struct picture *picture;

	assert_non_null(shrink);
	for (uint32_t y = 0; y < from.height; y++) {
		assert_null(shrink_picture(shrink));
		shrink_row(shrink, image + (size_t)y * from.width * channels);
	}
	picture = shrink_picture(shrink);
	assert_non_null(picture);
	assert_int_equal(picture->extent.width, to.width);
	assert_int_equal(picture->extent.height, to.height);
	assert_int_equal(picture->channels, channels);
	assert_memory_equal(picture->pixels, want, (size_t)to.width * to.height * channels);
	shrink_free(shrink);
}

/* The same with one number for each pixel of an opaque grey. */
static void check_grey(struct extent from, const uint8_t *image, struct extent to,
		       const uint8_t *want)
{
	uint8_t pixels[PIXELS_MAX * 4], wanted[PIXELS_MAX * 4];

	for (unsigned channels = 3; channels <= 4; channels++) {
		for (size_t i = 0; i < (size_t)from.width * from.height * channels; i++)
			pixels[i] = i % channels == 3 ? 255 : image[i / channels];
		for (size_t i = 0; i < (size_t)to.width * to.height * channels; i++)
			wanted[i] = i % channels == 3 ? 255 : want[i / channels];
		check(from, pixels, to, wanted, channels);
	}
}

static void an_extent_keeps_its_shape_and_never_grows(void **state)
{
	static const struct {
		struct extent image;
		uint32_t side;
		struct extent fit;
	} rows[] = {
		{{400, 200}, 100, {100, 50}}, {{200, 400}, 100, {50, 100}},
		{{100, 50}, 100, {100, 50}},  {{7, 3}, 128, {7, 3}},
		{{3, 2}, 2, {2, 1}},	      {{30000, 1}, 128, {128, 1}},
		{{1, 30000}, 1, {1, 1}},      {{30000, 29999}, 1024, {1024, 1024}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct extent fit = extent_fit(rows[i].image, rows[i].side);

		assert_int_equal(fit.width, rows[i].fit.width);
		assert_int_equal(fit.height, rows[i].fit.height);
	}
}

static void the_same_extent_is_the_same_image(void **state)
{
	static const uint8_t image[] = {0, 1, 2, 253, 254, 255};

	check_grey((struct extent){3, 2}, image, (struct extent){3, 2}, image);
}

static void a_pixel_is_the_mean_of_its_area(void **state)
{
	static const uint8_t image[] = {
		10, 20, 100, 100, /* */
		30, 40, 100, 101, /* */
		0,  0,	255, 255, /* */
		0,  0,	255, 255, /* */
	};
	static const uint8_t want[] = {25, 100, 0, 255};

	check_grey((struct extent){4, 4}, image, (struct extent){2, 2}, want);
}

static void a_pixel_on_a_seam_is_shared(void **state)
{
	static const uint8_t image[] = {0, 90, 240};
	static const uint8_t want[] = {30, 190}; /* (0 * 2 + 90) / 3, (90 + 240 * 2) / 3 */

	check_grey((struct extent){3, 1}, image, (struct extent){2, 1}, want);
	check_grey((struct extent){1, 3}, image, (struct extent){1, 2}, want);
}

static void what_is_transparent_gives_no_colour(void **state)
{
	static const uint8_t image[] = {200, 100, 50, 255, 0, 0, 0, 0};
	static const uint8_t want[] = {200, 100, 50, 128};

	check((struct extent){2, 1}, image, (struct extent){1, 1}, want, 4);
}

static void nothing_at_all_is_transparent_black(void **state)
{
	static const uint8_t image[] = {9, 9, 9, 0, 7, 7, 7, 0};
	static const uint8_t want[] = {0, 0, 0, 0};

	check((struct extent){2, 1}, image, (struct extent){1, 1}, want, 4);
}

/* The sums of many pixels do not overflow. */
static void a_large_white_is_white(void **state)
{
	struct extent from = {65535, 300};
	struct shrink *shrink = shrink_new(from, (struct extent){1, 1}, 4);
	uint8_t *row = malloc((size_t)from.width * 4);
	static const uint8_t white[] = {255, 255, 255, 255};

	assert_non_null(shrink);
	assert_non_null(row);
	memset(row, 255, (size_t)from.width * 4);
	for (uint32_t y = 0; y < from.height; y++)
		shrink_row(shrink, row);
	assert_memory_equal(shrink_picture(shrink)->pixels, white, 4);
	free(row);
	shrink_free(shrink);
}

static void rows_after_the_last_change_nothing(void **state)
{
	static const uint8_t black[3] = {0}, white[3] = {255, 255, 255};
	struct shrink *shrink = shrink_new((struct extent){1, 1}, (struct extent){1, 1}, 3);

	assert_non_null(shrink);
	shrink_row(shrink, white);
	shrink_row(shrink, black);
	assert_memory_equal(shrink_picture(shrink)->pixels, white, 3);
	shrink_free(shrink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_extent_keeps_its_shape_and_never_grows),
		cmocka_unit_test(the_same_extent_is_the_same_image),
		cmocka_unit_test(a_pixel_is_the_mean_of_its_area),
		cmocka_unit_test(a_pixel_on_a_seam_is_shared),
		cmocka_unit_test(what_is_transparent_gives_no_colour),
		cmocka_unit_test(nothing_at_all_is_transparent_black),
		cmocka_unit_test(a_large_white_is_white),
		cmocka_unit_test(rows_after_the_last_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
