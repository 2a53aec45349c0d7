/*
 * Records in an append-only file: what a crash tears or a disk damages is found and skipped, never
 * half-read.
 *
 *     record_append(&bytes, RECORD_DATUM, payload, len);      ... write bytes to the file
 *
 *     struct record_reader reader = {.data = bytes, .len = len};
 *     while (record_next(&reader, &record)) { ... }
 *
 * A record is a header (marker, type, length, checksum of the payload, checksum of the header) and
 * its payload; numbers are little-endian. After damage the reader looks for the next header whose
 * own checksum is right, so that one flipped bit costs one record.
 *
 * Payloads are written with record_put_*() and read with record_get_*(), which are sticky: one look
 * at `ok` at the end tells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/common/buf.h"

#define RECORD_PAYLOAD_MAX (1u << 20) /* a datum is 512 KB at most */
#define RECORD_HEADER_SIZE 20

enum record_type {
    RECORD_DATUM = 1, /* id, start_ms, members */
    RECORD_CLOSED,    /* first open journal, until_ms, next id: datums before it are whole */
    RECORD_IN_FLIGHT, /* ranges of ids, in place of those of the record before */
    RECORD_DONE,      /* ranges of ids */
    RECORD_SERIES,    /* number, metric, extra dimension's name, database, pool, extra */
    RECORD_READINGS   /* (series, time_ms, value), as many as there are */
};

struct record {
    enum record_type type;
    const unsigned char *payload; /* the reader's data */
    size_t len;
};

void record_append(struct buf *out, enum record_type type, const void *payload, size_t len);

struct record_reader {
    const unsigned char *data;
    size_t len;
    size_t at;
    size_t damaged; /* places that had to be skipped, a torn end not among them */
    size_t torn;    /* bytes of an end that is no record */
};

/* false: there are no more. */
bool record_next(struct record_reader *reader, struct record *out);

/* --- payloads --------------------------------------------------------------------------------- */

void record_put_u64(struct buf *out, uint64_t value);
void record_put_text(struct buf *out, const char *text); /* NULL is not "" */

struct record_cursor {
    const unsigned char *at;
    size_t left;
    bool ok;
};

struct record_cursor record_cursor(const struct record *record);
uint64_t record_get_u64(struct record_cursor *cursor);     /* 0 when there is none */
const char *record_get_text(struct record_cursor *cursor); /* the record's; NULL as it was put */
