/*
 * An answer while it arrives: what libcurl hands on becomes a struct http_response, within limits.
 *
 * Heads come line by line; each status line begins a new one ("100 Continue" first, then the
 * answer), so that the last one counts. Bodies hold credentials at times: their memory is wiped.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/common/buf.h"
#include "aws/http.h"

#define HTTP_HEAD_BYTES_MAX 65536
#define HTTP_HEADERS_MAX    100

struct http_answer {
    struct buf head; /* name NUL value NUL, for each header */
    struct buf body;
    size_t header_count;
    bool head_is_over;    /* what comes now are trailers: ignored */
    const char *too_much; /* which limit was passed; NULL while none is */
    struct http_header headers[HTTP_HEADERS_MAX];
};

void http_answer_init(struct http_answer *answer, size_t max_body);
void http_answer_done(struct http_answer *answer);

/* For CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION, a struct http_answer as their data. */
size_t http_answer_on_header(char *line, size_t size, size_t count, void *arg);
size_t http_answer_on_body(char *data, size_t size, size_t count, void *arg);

/* The answer's view of itself, valid as long as it is; status and tls_verified are the caller's to
 * fill. */
void http_answer_view(struct http_answer *answer, struct http_response *response);
