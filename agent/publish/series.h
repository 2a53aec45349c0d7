/*
 * One series of one window: what it is called (metric and dimensions), and what was read.
 *
 *     series_init(&series, &key);
 *     series_add(&series, 42);
 *     series_encode(&series, &dimensions, 60, on_members, self);
 *     series_done(&series);
 *
 * Dimensions stand in this order: DBInstanceIdentifier, Pool, the metric's extra one (Agent for the
 * agent's own metrics), the configured ones. A key with neither database nor extra is the rollup:
 * it has no dimension at all, not even the configured ones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/publish/distribution.h"
#include "agent/sample/source.h"

/* CloudWatch takes numbers from -2^360 to 2^360. */
#define SERIES_NUMBER_MAX 0x1p360

struct series_key {
    enum metric_id metric;
    const char *database; /* NULL: no such dimension; here and below */
    const char *pool;
    const char *extra; /* value of the metric's extra dimension; the agent's name for its own */
};

struct series {
    struct series_key key; /* its texts are the series' own */
    uint64_t hash;
    struct distribution distribution; /* of a gauge */
    double sum;                       /* of a counter */
};

uint64_t series_hash(const struct series_key *key);
bool series_key_equal(const struct series_key *a, const struct series_key *b);

void series_init(struct series *series, const struct series_key *key, uint64_t hash);
void series_done(struct series *series);

/* A finite number within SERIES_NUMBER_MAX. false: the sum would leave that range; nothing added.
 */
PW_CHECK bool series_add(struct series *series, double value);

/*
 * Its datums as cloudwatch_encode_datum() writes them: a counter's sum as one, a gauge's values in
 * as many as they need at CLOUDWATCH_VALUES_MAX each. members is valid during the call. dimensions:
 * the configured ones; NULL is none.
 */
typedef void series_on_members(void *arg, const char *members);
void series_encode(const struct series *series, const struct config_pairs *dimensions,
                   int resolution_s, series_on_members *on_members, void *arg);

/* --- inside, for tests ------------------------------------------------------------------------ */

#define DIMENSION_VALUE_MAX 1024 /* bytes of a dimension's value that CloudWatch takes */

/*
 * Text from outside (names of pools, applications, databases) as a dimension's value: blank becomes
 * "(none)", a byte that is not printable ASCII becomes "\xC3", what is too long is cut.
 */
void series_dimension_value(const char *text, char out[DIMENSION_VALUE_MAX + 1]);
