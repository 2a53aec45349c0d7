/*
 * The canonical request, stage one of SigV4: what both sides must spell alike, byte for byte.
 *
 * Put together a struct canonical_headers, sort it, then write: first the list of names (a
 * presigned query contains it), then the request itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct canonical_header {
    const char *name;  /* any case */
    const char *value; /* as sent */
    size_t position;   /* in the request: repeated headers keep their order */
};

struct canonical_headers {
    struct canonical_header *list;
    size_t count;
};

struct canonical_request {
    const char *method;
    const char *path; /* without the query */
    bool keep_segments;
    const char *query; /* as sent; "" when there is none */
    struct canonical_headers headers;
    const char *signed_headers; /* what canonical_signed_headers() wrote */
    const char *payload_hash;
};

/* false for a header that clients and proxies may change or add on the way, and for Authorization.
 */
bool canonical_is_signed(const char *name);

void canonical_sort_headers(struct canonical_headers *headers);

/* "content-type;host;x-amz-date"; the headers must be sorted. */
void canonical_signed_headers(struct text *out, const struct canonical_headers *headers);

/* A header's value without blanks at its ends, each inner run of them as one; inside quotes too. */
void canonical_value(struct text *out, const char *value);

void canonical_write(struct text *out, const struct canonical_request *request);
