/* What all formats share: the limits, and the telling of faults. */
#include "codec.h"

#include <stdarg.h>
#include <stdio.h>

#define SIDE_MAX	 30000
#define WHOLE_PIXELS_MAX (16u << 20)

void fault_tell(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
	va_list args;

	if (fault->kind != FAULT_NONE)
		return;
	fault->kind = kind;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

bool extent_check(struct extent image, bool whole, struct fault *fault)
{
	if (image.width > SIDE_MAX)
		fault_tell(fault, FAULT_TOO_LARGE, "the image is %u pixels wide, %d at most",
			   image.width, SIDE_MAX);
	else if (image.height > SIDE_MAX)
		fault_tell(fault, FAULT_TOO_LARGE, "the image is %u pixels high, %d at most",
			   image.height, SIDE_MAX);
	else if (whole && (uint64_t)image.width * image.height > WHOLE_PIXELS_MAX)
		fault_tell(fault, FAULT_TOO_LARGE,
			   "an interlaced or progressive image has %u pixels at most, this one "
			   "has %u x %u",
			   WHOLE_PIXELS_MAX, image.width, image.height);
	return fault->kind == FAULT_NONE;
}
