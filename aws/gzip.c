#include "aws/gzip.h"

#include <limits.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#define CHUNK_BYTES  16384
#define GZIP_FORMAT  16 /* added to the window's bits: gzip instead of zlib, deflateInit2() */
#define MEMORY_LEVEL 8

/* Runs the compressor to the input's end; what it makes goes into out chunk by chunk. */
static int deflate_all(z_stream *stream, struct buf *out)
{
    unsigned char chunk[CHUNK_BYTES];
    int status;

    do {
        stream->next_out = chunk;
        stream->avail_out = sizeof(chunk);
        status = deflate(stream, Z_FINISH);
        buf_add(out, chunk, sizeof(chunk) - stream->avail_out);
    } while (status == Z_OK && buf_ok(out));
    return status;
}

bool gzip_compress(const void *data, size_t len, struct buf *out, struct err *err)
{
    z_stream stream = {0};

    if (len > UINT_MAX) {
        return err_set(err, ERR_REJECTED, "gzip: %zu bytes are too many", len);
    }
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return err_set(err, ERR_SYSTEM, "gzip: zlib does not start: %s",
                       stream.msg ? stream.msg : "out of memory");
    }
    stream.next_in = data;
    stream.avail_in = (uInt)len;
    int status = deflate_all(&stream, out);
    deflateEnd(&stream);
    if (status != Z_STREAM_END && buf_ok(out)) {
        return err_set(err, ERR_SYSTEM, "gzip: zlib status %d", status);
    }
    return true;
}
