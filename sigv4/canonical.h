/*
 * The canonical request, stage one of SigV4: what both sides must spell alike, byte for byte.
 *
 * Put together a struct canonical_headers, then write: first the list of names (a presigned query
 * contains it), then the request itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct canonical_header {
    const char *name;  /* any case */
    const char *value; /* as sent */
};

/* Sorted by name: canonical_add_header() puts each in its place. */
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
    const char *payload_hash;   /* in hex, or as a header states it */
};

/* false for a header that clients and proxies may change or add on the way, and for Authorization.
 */
bool canonical_is_signed(const char *name);

/* Behind those of the same name; list must have room for one more. */
void canonical_add_header(struct canonical_headers *headers, const char *name, const char *value);

/* "content-type;host;x-amz-date" */
void canonical_signed_headers(struct text *out, const struct canonical_headers *headers);

/* A header's value without blanks at its ends, each inner run of them as one; inside quotes too. */
void canonical_value(struct text *out, const char *value);

void canonical_write(struct text *out, const struct canonical_request *request);
