/*
 * Which failures to try again, and how long to wait: the SDKs' standard mode, rules of 2026 (costs 14 and 5, base
 * 50 ms and 1 s, x-amz-retry-after). Pure: the random number and the counters are the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/common/err.h"

enum failure_class {
    FAILURE_NONE,
    FAILURE_THROTTLED,  /* try again, slower */
    FAILURE_TRANSIENT,  /* 5xx, connection trouble: try again */
    FAILURE_SKEW,       /* the clock may be off: correct it from Date, sign again, once */
    FAILURE_EXPIRED,    /* credentials are: fetch new ones, once */
    FAILURE_DENIED,     /* final: permissions, unknown keys */
    FAILURE_BAD_INPUT   /* final: this very request */
};

#define RETRY_ATTEMPTS_MAX 3

/* By HTTP status and error code (may be NULL), as one table. */
enum failure_class retry_classify(int status, const char *code);

/* What a caller sees of a class: ERR_THROTTLED, ERR_NET, ERR_DENIED, ERR_REJECTED. */
enum err_code retry_err_code(enum failure_class class);

/* One bucket a client; retry_bucket_init fills it. */
struct retry_bucket {
    int tokens;
};
#define RETRY_BUCKET_INIT                                                                          \
    {                                                                                              \
        .tokens = 500                                                                              \
    }

/* Takes the cost of a retry of that class; false (and nothing taken) when the bucket can not pay. */
PW_CHECK bool retry_bucket_take(struct retry_bucket *bucket, enum failure_class class, int *cost);
/* After a success: cost of the last retry comes back, or 1 when there was none. */
void retry_bucket_refill(struct retry_bucket *bucket, int cost);

/*
 * Milliseconds before retry number `retry` (0 for the first). random: 0 <= random < 1. hint: the value of
 * x-amz-retry-after (milliseconds), or NULL.
 */
int64_t retry_delay_ms(enum failure_class class, int retry, double random, const char *hint);
