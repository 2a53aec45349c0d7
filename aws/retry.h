/*
 * Which failures to try again, and how long to wait: the SDKs' standard mode, rules of 2026 (costs
 * 14 and 5, base 50 ms and 1 s, x-amz-retry-after; AWS SDKs guide, "Retry behavior"). Pure: the
 * random number and the counters are the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/common/err.h"

/* Each class is one reaction. */
enum failure_class {
    FAILURE_THROTTLED, /* try again, slower */
    FAILURE_TRANSIENT, /* 5xx, connection trouble: try again */
    FAILURE_SKEW,      /* the clock may be off: when Date says so, correct it and sign again */
    FAILURE_EXPIRED,   /* credentials are: fetch new ones, once */
    FAILURE_DENIED,    /* final: permissions, unknown keys */
    FAILURE_BAD_INPUT, /* final: the service says that this very request is bad */
    FAILURE_FOREIGN    /* final: this is no answer of the service's (a proxy, a wrong endpoint) */
};

#define RETRY_ATTEMPTS_MAX 3

/* By HTTP status (not 2xx) and error code (NULL or "": none), as one table. */
enum failure_class retry_classify(int status, const char *code);

/* What a caller sees of a class when nothing helped. */
enum err_code retry_err_code(enum failure_class class);

/* What retries may cost: one bucket a client, so that a service in trouble is left in peace. */
#define RETRY_TOKENS_MAX 500

struct retry_bucket {
    int tokens; /* RETRY_TOKENS_MAX at birth */
};

/* Takes the cost of a retry of that class; false, and nothing taken, when the bucket can not pay.
 */
PW_CHECK bool retry_bucket_take(struct retry_bucket *bucket, enum failure_class class, int *cost);

/* After a success: the cost of the last retry comes back, or 1 when there was none (cost 0). */
void retry_bucket_refill(struct retry_bucket *bucket, int cost);

/* The value of x-amz-retry-after (milliseconds); 0 when NULL or not usable, a day at most. */
int64_t retry_hint_ms(const char *value);

/* Milliseconds before retry number `retry` (0 for the first). random: 0 <= random < 1. */
int64_t retry_delay_ms(enum failure_class class, int retry, double random, int64_t hint_ms);
