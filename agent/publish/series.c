#include "agent/publish/series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/common/mem.h"

#define DIMENSIONS_OWN_MAX 3
#define DIMENSIONS_MAX     30 /* of a metric, CloudWatch's limit */

/* Thirty dimensions at their longest, each character of them escaped, and 150 values: 250 KB. */
#define MEMBERS_MAX ((size_t)512 << 10)

/* --- Keys ------------------------------------------------------------------------------------- */

/* FNV-1a; a NUL ends each text, another byte stands for an absent one. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    static const char absent[] = "\xff";
    const char *from = text ? text : absent;

    for (size_t i = 0;; i++) {
        hash = (hash ^ (unsigned char)from[i]) * UINT64_C(0x100000001b3);
        if (from[i] == '\0') {
            return hash;
        }
    }
}

uint64_t series_hash(const struct series_key *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)key->metric;

    hash = hash_text(hash, key->database);
    hash = hash_text(hash, key->pool);
    return hash_text(hash, key->extra);
}

static bool text_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool series_key_equal(const struct series_key *a, const struct series_key *b)
{
    return a->metric == b->metric && text_equal(a->database, b->database) &&
           text_equal(a->pool, b->pool) && text_equal(a->extra, b->extra);
}

/* --- Life ------------------------------------------------------------------------------------- */

void series_init(struct series *series, const struct series_key *key, uint64_t hash)
{
    *series = (struct series){.key = {.metric = key->metric,
                                      .database = mem_strdup(key->database),
                                      .pool = mem_strdup(key->pool),
                                      .extra = mem_strdup(key->extra)},
                              .hash = hash};
}

/* A key that is looked for borrows its texts, therefore they are const; a series owns its own. */
static void free_const(const char *text)
{
    free((void *)(uintptr_t)text);
}

void series_done(struct series *series)
{
    free_const(series->key.database);
    free_const(series->key.pool);
    free_const(series->key.extra);
    distribution_done(&series->distribution);
}

bool series_add(struct series *series, double value)
{
    if (metric_get(series->key.metric)->kind == METRIC_GAUGE) {
        distribution_add(&series->distribution, value);
        return true;
    }
    if (fabs(series->sum + value) > SERIES_NUMBER_MAX) {
        return false;
    }
    series->sum += value;
    return true;
}

/* --- Datums ----------------------------------------------------------------------------------- */

void series_dimension_value(const char *text, char out[DIMENSION_VALUE_MAX + 1])
{
    size_t len = 0;

    if (text[strspn(text, " ")] == '\0') {
        snprintf(out, DIMENSION_VALUE_MAX + 1, "(none)");
        return;
    }
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = byte >= ' ' && byte <= '~';

        if (len + (plain ? 1 : 4) > DIMENSION_VALUE_MAX) {
            break;
        }
        if (plain) {
            out[len++] = *text;
        } else {
            len += (size_t)snprintf(out + len, 5, "\\x%02X", byte);
        }
    }
    out[len] = '\0';
}

/* A datum's dimensions, and room for those values that are not written elsewhere. */
struct dimensions {
    struct cloudwatch_dimension list[DIMENSIONS_MAX];
    size_t count;
    char values[DIMENSIONS_OWN_MAX][DIMENSION_VALUE_MAX + 1];
};

static void add_own(struct dimensions *dimensions, const char *name, const char *text)
{
    char *value = dimensions->values[dimensions->count];

    if (!text) {
        return;
    }
    series_dimension_value(text, value);
    dimensions->list[dimensions->count++] = (struct cloudwatch_dimension){name, value};
}

static void collect(const struct series_key *key, const struct config_pairs *configured,
                    struct dimensions *out)
{
    const struct metric *metric = metric_get(key->metric);

    out->count = 0;
    add_own(out, "DBInstanceIdentifier", key->database);
    add_own(out, "Pool", key->pool);
    add_own(out, metric->of == METRIC_OF_AGENT ? "Agent" : metric->extra_dimension, key->extra);
    if (out->count == 0 || !configured) {
        return;
    }
    for (size_t i = 0; i < configured->count && out->count < DIMENSIONS_MAX; i++) {
        out->list[out->count++] =
            (struct cloudwatch_dimension){configured->items[i].name, configured->items[i].value};
    }
}

static void encode_values(struct cloudwatch_datum *datum, const double *values,
                          const double *counts, size_t count, series_on_members *on_members,
                          void *arg)
{
    struct buf members;

    buf_init(&members, MEMBERS_MAX);
    for (size_t first = 0; first < count; first += datum->value_count) {
        size_t left = count - first;

        datum->values = values + first;
        datum->counts = counts + first;
        datum->value_count = left < CLOUDWATCH_VALUES_MAX ? left : CLOUDWATCH_VALUES_MAX;
        buf_clear(&members);
        cloudwatch_encode_datum(datum, &members);
        on_members(arg, buf_text(&members));
    }
    buf_done(&members);
}

void series_encode(const struct series *series, const struct config_pairs *dimensions,
                   int resolution_s, series_on_members *on_members, void *arg)
{
    const struct metric *metric = metric_get(series->key.metric);
    const struct distribution *distribution = &series->distribution;
    static const double once = 1;
    struct dimensions all;

    collect(&series->key, dimensions, &all);
    struct cloudwatch_datum datum = {.metric = metric->name,
                                     .unit = metric->unit,
                                     .dimensions = all.list,
                                     .dimension_count = all.count,
                                     .resolution_s = resolution_s};
    if (metric->kind == METRIC_COUNTER) {
        encode_values(&datum, &series->sum, &once, 1, on_members, arg);
    } else {
        encode_values(&datum, distribution->values, distribution->counts, distribution->count,
                      on_members, arg);
    }
}
