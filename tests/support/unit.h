/* What every unit test begins with: cmocka, and the headers that it wants before itself. */
#ifndef PLUGD_TESTS_SUPPORT_UNIT_H
#define PLUGD_TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* after those */
#include <cmocka.h>

#include "base/str.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void assert_str(struct str text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.data, expected, text.len);
}

#endif
