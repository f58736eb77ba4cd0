/* JPEG by libjpeg: baseline and progressive, grey and colour; what goes out is baseline. */
#ifndef JPEG_CODEC_H
#define JPEG_CODEC_H

#include "codec.h"

extern const struct codec jpeg_codec;

#endif
