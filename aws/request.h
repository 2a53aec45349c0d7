/*
 * One API call: credentials -> endpoint -> sign -> send -> classify -> retry -> answer or error.
 *
 * A client belongs to one region. It keeps the signing key, the retry bucket and the clock's offset (learnt from the Date
 * of TLS-verified answers, and of plain ones when the endpoint is an override: a test's), so that a host whose clock is wrong can still sign. Every
 * attempt is signed anew. aws_send() copies what it needs; `done` is called exactly once, later; after aws_cancel() it is not.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "aws/common/err.h"
#include "aws/credentials/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"

struct aws_client;
struct aws_call;

struct aws_client_options {
    uv_loop_t *loop;
    struct http_client *http;             /* borrowed */
    struct credentials_cache *credentials; /* borrowed */
    const char *region;
    const char *endpoint_url; /* override, or NULL */
    provider_getenv *getenv;  /* NULL: the process' own */
    void *getenv_arg;
};

/* ERR_CONFIG: the region or the endpoint is not usable. */
PW_CHECK bool aws_client_new(const struct aws_client_options *options, struct aws_client **out,
                             struct err *err);
void aws_client_free(struct aws_client *client); /* cancels its calls; NULL is fine */

const char *aws_client_region(const struct aws_client *client);

/* Milliseconds to add to the wall clock to have the service's; 0 while they agree within 5 minutes. */
int64_t aws_client_clock_offset_ms(const struct aws_client *client);

struct aws_request {
    const struct aws_service *service;
    const char *operation; /* "PutMetricData" */
    const char *body;      /* JSON text */
    size_t body_len;
    bool compress;   /* the operation takes gzip: done from GZIP_FROM_BYTES on */
    int timeout_ms;  /* of one attempt; 0: 10,000 */
    int attempts;    /* at most; 0: RETRY_ATTEMPTS_MAX. A caller with a queue of its own asks for 1 */
};

/* Valid during `done` only. */
struct aws_answer {
    const json_t *body; /* an object; empty for operations that answer nothing */
    const char *request_id; /* "" when none came */
};

/* Why a call failed, when one must know more than err->code. Valid during `done` only. */
struct aws_failure {
    int status;                /* HTTP; 0 when no answer came */
    const char *code;          /* "InvalidParameterValue"; "" when there is none */
    bool may_have_arrived;     /* the service may have acted, in this or an earlier attempt */
    int64_t retry_after_ms;    /* the service's hint; 0 when none */
};

/* Exactly one of answer and err is not NULL; failure goes with err. The message names operation, code, the service's own words and request id. */
typedef void aws_done(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure);

struct aws_call *aws_send(struct aws_client *client, const struct aws_request *request,
                          aws_done *done, void *arg);
void aws_cancel(struct aws_call *call);
