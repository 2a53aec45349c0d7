/*
 * The parts of a URL as SigV4 wants them: percent-encoding, the canonical path, a query's pairs.
 *
 * All functions append to a struct text and take any bytes; what they write is ASCII.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* What uri_encode() keeps besides the unreserved letters, digits and "-._~" (RFC 3986). */
#define URI_KEEP_NONE  ""  /* a name or a value of a query */
#define URI_KEEP_SLASH "/" /* a path */
#define URI_KEEP_SENT                                                                              \
    "!$%&'()*+,/:;=?@[]" /* a query as it travels: blanks, UTF-8 and the like go */

/* Percent-encodes in upper-case hex; a "%" is encoded again unless it is kept. */
void uri_encode(struct text *out, const char *bytes, size_t len, const char *keep);

/* Decodes "%XX" and "+" (a blank) as a form does and encodes again, so that one meaning has one
 * spelling. */
void uri_encode_again(struct text *out, const char *bytes, size_t len);

/*
 * The path as it stands in a canonical request: encoded, "/" at the front. Unless keep_segments,
 * dot segments go and slashes collapse as botocore does it: "/a/./b//" becomes "/a/b/", "/a/b/.."
 * becomes "/a".
 */
void uri_canonical_path(struct text *out, const char *path, bool keep_segments);

/* One "name=value" of a query, pointing into it; the value is empty without "=". */
struct uri_pair {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/*
 * Takes the next pair off *rest, which starts as the query and is NULL after the last pair: then
 * false. Each "&" parts two pairs, empty ones too: "" is one, "a&" are two.
 */
bool uri_next_pair(const char **rest, struct uri_pair *pair);

/* The query with its pairs sorted by name, then by value, each with a "=". */
void uri_canonical_query(struct text *out, const char *query);
