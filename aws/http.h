/*
 * One HTTP request, one completion: libcurl's multi interface on a libuv loop.
 *
 * A client keeps a few connections alive between requests, verifies TLS against the system's bundle
 * (or AWS_CA_BUNDLE), honours proxies as curl does, follows no redirect, and refuses answers over
 * the limit. http_send() copies what it needs before it returns and calls `done` exactly once,
 * later, from the loop; after http_cancel() it does not call it at all. Whatever `done` does - send
 * again, cancel others, free the client - is safe. Nothing blocks: names are looked up in a thread
 * of libcurl's (since 7.87 an expired look-up is left behind; older ones wait for it).
 *
 * The process ignores SIGPIPE: OpenSSL writes without MSG_NOSIGNAL, and libcurl leaves signals
 * alone as it is told to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "aws/common/err.h"

struct http_client;
struct http_transfer;

struct http_options {
    const char *user_agent; /* NULL: "poolwarden/VERSION" */
    const char *ca_bundle;  /* file of trusted certificates; NULL: the system's */
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method;                /* GET, PUT, POST, ... */
    const char *url;                   /* http or https; the path travels as it stands */
    const struct http_header *headers; /* Host, when given, travels as given */
    size_t header_count;
    const void *body;
    size_t body_len;
    int connect_timeout_ms;  /* name, TCP and TLS; 0: 3,000 */
    int timeout_ms;          /* the whole exchange; 0: 10,000 */
    size_t max_response;     /* bytes of body; 0: 1 MiB */
    bool no_proxy;           /* link-local metadata must never go through one */
    const char *unix_socket; /* path of a socket that is connected to instead; NULL: none */
};

/* Valid during `done` only. */
struct http_response {
    int status;
    const char *body; /* NUL-terminated, never NULL; its memory is wiped afterwards */
    size_t body_len;
    const struct http_header *headers; /* of the final answer */
    size_t header_count;
    bool tls_verified; /* came over TLS with the server's certificate checked */
};

/* A header's value, compared without case; NULL when absent. */
const char *http_header_of(const struct http_response *response, const char *name);

/*
 * Exactly one of response and err is not NULL. ERR_TIMEOUT: no complete answer in time; ERR_NET:
 * not reached, not trusted or broken off; ERR_REJECTED: an answer over the limit, or a header or
 * method that would break the request's lines; ERR_CONFIG: a URL or a file of certificates that can
 * not be used. The message names scheme and host, what happened and where to look.
 *
 * may_have_arrived: false as long as no byte of the request was sent (names, connecting, TLS); a
 * caller that must not act twice asks it. A request with a body is never sent twice behind the
 * caller's back; one without is, when a kept connection turns out to be closed before any answer.
 */
typedef void http_done(void *arg, const struct http_response *response, const struct err *err,
                       bool may_have_arrived);

PW_CHECK bool http_client_new(uv_loop_t *loop, const struct http_options *options,
                              struct http_client **out, struct err *err);

/*
 * Cancels what is under way (no `done` is called) and closes its handles on the loop's next turns.
 * NULL is fine.
 */
void http_client_free(struct http_client *client);

/* The transfer is gone when `done` is called or http_cancel() returns. */
struct http_transfer *http_send(struct http_client *client, const struct http_request *request,
                                http_done *done, void *arg);
void http_cancel(struct http_transfer *transfer); /* NULL is fine */
