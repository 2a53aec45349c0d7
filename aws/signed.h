/*
 * One attempt of an API call as it travels: a POST with its headers, signed.
 *
 *     struct signed_request signed_;
 *     if (signed_request_init(&signed_, &call, credentials, now_ms, &key, &err)) {
 *         http_send(http, &signed_.request, ...);
 *         signed_request_done(&signed_);              http_send() has copied what it needs
 *     }
 *
 * Signed are content-type, host, x-amz-date, x-amz-target and, where they are sent,
 * content-encoding, x-amz-security-token and x-amzn-query-mode: the set that botocore signs. Accept
 * is sent beside it.
 */
#pragma once

#include <stdint.h>

#include "aws/common/buf.h"
#include "aws/credentials/provider.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "sigv4/sigv4.h"

#define SIGNED_HEADERS_MAX 9

/* What does not change from attempt to attempt. */
struct signed_call {
    const struct aws_service *service;
    const struct endpoint *endpoint;
    const char *region;
    const char *operation;
    const struct buf *body;
    bool compressed;
};

struct signed_request {
    struct http_request request; /* without limits and time-outs: the sender's */
    struct http_header headers[SIGNED_HEADERS_MAX];
    char *target; /* NULL: the service has none */
    struct sigv4_result signature;
};

/* All that is given is borrowed until signed_request_done(). credentials NULL: an operation that is
 * not signed. ERR_SYSTEM. */
PW_CHECK bool signed_request_init(struct signed_request *out, const struct signed_call *call,
                                  const struct credentials *credentials, int64_t now_ms,
                                  struct sigv4_key_cache *key, struct err *err);
void signed_request_done(struct signed_request *request);
