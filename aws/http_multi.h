/*
 * libcurl's multi interface driven by a libuv loop: which sockets to watch, when to wake, which
 * transfers are over. Knows nothing of what is transferred; http.c is its only user.
 *
 *     http_multi_init(&multi, loop, on_over, arg, &err);   easy handles carry what they need in
 * CURLOPT_PRIVATE curl_multi_add_handle(multi.curl, easy);             -> on_over(easy, result),
 * later, from the loop curl_multi_remove_handle(multi.curl, easy);          by on_over, or to
 * cancel http_multi_close(&multi, on_closed);                 after all easy handles were removed
 *
 * on_over may add, remove and close: nothing is touched after it that it could have taken away.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "aws/common/err.h"

struct http_multi;
struct http_watch;

typedef void http_multi_on_over(void *arg, CURL *easy, CURLcode result);
typedef void http_multi_on_closed(struct http_multi *multi);

struct http_multi {
    CURLM *curl;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct http_watch *watches; /* one a socket */
    size_t open_handles;
    http_multi_on_over *on_over;
    http_multi_on_closed *on_closed; /* set: closing */
    void *arg;
};

/* Connections kept open between transfers: CloudWatch's, one of the metadata services', two to
 * spare. */
#define HTTP_CONNECTIONS_KEPT 4

PW_CHECK bool http_multi_init(struct http_multi *multi, uv_loop_t *loop,
                              http_multi_on_over *on_over, void *arg, struct err *err);

/* Closes connections at once, handles on the loop's next turns; then on_closed, which may free
 * multi. */
void http_multi_close(struct http_multi *multi, http_multi_on_closed *on_closed);
