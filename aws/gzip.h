/* gzip as request compression wants it. */
#pragma once

#include <stddef.h>

#include "aws/common/buf.h"

/* From this size on a compressible body is compressed (the SDKs' default). */
#define GZIP_FROM_BYTES 10240

/* Appends the gzip form of the data to out (which has its own limit: check buf_ok). */
PW_CHECK bool gzip_compress(const void *data, size_t len, struct buf *out, struct err *err);
