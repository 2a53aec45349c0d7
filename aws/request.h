/*
 * One API call: credentials -> endpoint -> sign -> send -> classify -> retry -> answer or error.
 *
 *     aws_client_new(&options, &client, &err);
 *     struct aws_call *call = aws_send(client, &request, on_done, self);
 *     ... on_done(self, answer, NULL, NULL), or on_done(self, NULL, err, failure) ...
 *     aws_client_free(client);
 *
 * A client belongs to one service in one region; any number of calls may be under way. It keeps the
 * signing key and the bucket that bounds retries; the clock's offset, learnt from the Date of
 * answers so that a host whose clock is wrong can still sign, it shares with other clients. Every
 * attempt asks for credentials and is signed anew.
 *
 * aws_send() copies what it needs. `done` is called exactly once, later; after aws_cancel() or
 * aws_client_free() it is not. Whatever `done` does - send, cancel others, free the client, the
 * credentials or the HTTP client - is safe.
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
    struct http_client *http;              /* borrowed */
    struct credentials_cache *credentials; /* borrowed; NULL: only what is not signed is sent */
    const struct aws_service *service;     /* static; NULL: CloudWatch */
    const char *region;
    const char *endpoint_url;          /* override, or NULL */
    const struct credentials_env *env; /* environment and clock; borrowed */
    double (*random)(void);            /* of delays, 0 <= x < 1; NULL: the system's */
};

/* ERR_CONFIG: the region or the endpoint is not usable. */
PW_CHECK bool aws_client_new(const struct aws_client_options *options, struct aws_client **out,
                             struct err *err);
void aws_client_free(struct aws_client *client); /* cancels its calls; NULL is fine */

const char *aws_client_region(const struct aws_client *client);
uv_loop_t *aws_client_loop(const struct aws_client *client);

struct aws_request {
    const char *operation; /* "PutMetricData" */
    const char *body;      /* NULL: a text in it was not UTF-8, the call will be refused */
    size_t body_len;
    bool compress;        /* the operation takes gzip: done from GZIP_FROM_BYTES on */
    bool answers_nothing; /* the operation has no output: an empty body is fine */
    bool is_unsigned;     /* who asks is told by what is in the body */
    int timeout_ms;       /* of one attempt; 0: 10,000 */
    /*
     * At most; 0: RETRY_ATTEMPTS_MAX. A caller with a queue of its own, or whose body holds times
     * that a corrected clock would change, asks for 1. Credentials that have expired are fetched
     * anew and tried once more without being counted.
     */
    int attempts;
};

/* Valid during `done` only. */
struct aws_answer {
    json_t *body; /* an object; empty for operations that answer nothing; wiped afterwards */
    const char *request_id; /* "" when none came */
};

/* Why a call failed, when one must know more than err->code. Valid during `done` only. */
struct aws_failure {
    int status;             /* HTTP, of the last attempt; 0 when no answer came */
    const char *code;       /* "InvalidParameterValue"; "" when there is none */
    bool may_have_arrived;  /* the service may have acted, in this or an earlier attempt */
    int64_t retry_after_ms; /* the service's hint; 0 when none */
};

/* Do two messages say the same but for the request's id and the number of attempts? */
bool aws_same_reason(const char *a, const char *b);

/*
 * Exactly one of answer and err is not NULL; failure goes with err. The message names operation,
 * region, code, the service's own words, request id and, where there is one, the remedy.
 *
 * ERR_REJECTED    the service itself says that this input is bad: the same again is bad again
 * ERR_DENIED      credentials are missing, not accepted, or may not do this
 * ERR_THROTTLED   too often
 * ERR_NET, ERR_TIMEOUT   not reached, broken off, 5xx, or a clock that this answer has corrected
 * ERR_PARSE       an answer that can not be read; what was asked for may have been done
 * ERR_CONFIG      somebody else answered: endpoint or proxy are wrong; a URL or certificate file
 * ERR_SYSTEM      signing or libcurl failed
 */
typedef void aws_done(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure);

struct aws_call *aws_send(struct aws_client *client, const struct aws_request *request,
                          aws_done *done, void *arg);
void aws_cancel(struct aws_call *call); /* NULL is fine; not after `done` */
