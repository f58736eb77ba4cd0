/* PNG by libpng: what comes in is anything that libpng reads, what goes out is RGB or RGBA. */
#ifndef PNG_CODEC_H
#define PNG_CODEC_H

#include "codec.h"

extern const struct codec png_codec;

#endif
