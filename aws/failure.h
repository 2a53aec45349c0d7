/*
 * What a refused attempt means: its class, which is a decision for whoever retries, and a sentence,
 * which is for a person. Pure.
 */
#pragma once

#include <stdint.h>

#include "aws/answer.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "aws/retry.h"

struct failure {
    enum failure_class class;
    struct err err;
    int status; /* HTTP; 0 when no answer came */
    char code[ANSWER_CODE_MAX];
    int64_t hint_ms; /* the service's wish for the next attempt; 0: none */
};

/* What the sentence is about. */
struct failure_context {
    const struct aws_service *service;
    const char *operation;
    const char *host;
    const char *key_source;  /* where the credentials are from; NULL: it was not signed */
    int attempt;             /* from 1 */
    bool clock_is_corrected; /* since the attempt was signed */
    int64_t clock_offset_ms;
};

/* response: not a 2xx. "AccessDenied: User: ... (request 8e47..., attempt 2): allow ..." */
void failure_read(const struct http_response *response, const struct failure_context *context,
                  struct failure *out);
