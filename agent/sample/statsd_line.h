/*
 * One StatsD line: "name:value|type[|@rate][|#tag:value,...]". Pure, allocation-free; points into
 * the line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define STATSD_NAME_MAX 200

/* Why a line is not used; the order of the counters in statsd.c. */
#define STATSD_MAP(X)                                                                              \
    X(STATSD_OK, "ok")                                                                             \
    X(STATSD_NO_VALUE, "no value")                                                                 \
    X(STATSD_BAD_NAME, "bad name")                                                                 \
    X(STATSD_BAD_VALUE, "bad value")                                                               \
    X(STATSD_BAD_TYPE, "unknown type")                                                             \
    X(STATSD_BAD_RATE, "bad sample rate")                                                          \
    X(STATSD_NOT_OURS, "not a pool metric")                                                        \
    X(STATSD_UNKNOWN_POOL, "unknown pool")                                                         \
    X(STATSD_TOO_MANY_POOLS, "too many pools")                                                     \
    X(STATSD_OTHER_SOURCE, "a pool that is read otherwise")                                        \
    X(STATSD_TOO_LONG, "a datagram over 8 KB")

enum statsd_reason {
#define X(reason, text) reason,
    STATSD_MAP(X)
#undef X
        STATSD_REASON_COUNT
};

struct statsd_line {
    const char *pool; /* not terminated */
    size_t pool_len;
    const char *field; /* after the last dot: "pool_timeout" */
    size_t field_len;
    double value;  /* of a counter: already divided by its sample rate */
    char type;     /* 'c' or 'g' */
    bool relative; /* a gauge "+3" or "-3" */
};

/* line: without its newline. */
enum statsd_reason statsd_line_parse(const char *line, size_t len, struct statsd_line *out);
const char *statsd_reason_text(enum statsd_reason reason);
