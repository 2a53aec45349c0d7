/* A series: its key, its dimensions, its datums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/publish/series.h"
#include "aws/common/mem.h"

/* --- Keys --- */

static const struct {
    const char *name;
    struct series_key a, b;
    bool equal;
} key_cases[] = {
    {"the same",
     {METRIC_POOL_SIZE, "orders", "api", NULL},
     {METRIC_POOL_SIZE, "orders", "api", NULL},
     true},
    {"another metric",
     {METRIC_POOL_SIZE, "orders", "api", NULL},
     {METRIC_POOL_MAX_WAIT, "orders", "api", NULL},
     false},
    {"another database",
     {METRIC_DATABASE_UP, "orders", NULL, NULL},
     {METRIC_DATABASE_UP, "billing", NULL, NULL},
     false},
    {"a pool and none",
     {METRIC_POOL_TIMEOUT, "orders", "api", NULL},
     {METRIC_POOL_TIMEOUT, "orders", NULL, NULL},
     false},
    {"an empty pool and none",
     {METRIC_POOL_TIMEOUT, "orders", "", NULL},
     {METRIC_POOL_TIMEOUT, "orders", NULL, NULL},
     false},
    {"the border between texts",
     {METRIC_POOL_TIMEOUT, "ab", "c", NULL},
     {METRIC_POOL_TIMEOUT, "a", "bc", NULL},
     false},
    {"a text as pool and as extra",
     {METRIC_POOL_TIMEOUT, "a", "b", NULL},
     {METRIC_POOL_TIMEOUT, "a", NULL, "b"},
     false},
    {"the rollups",
     {METRIC_POOL_TIMEOUT, NULL, NULL, NULL},
     {METRIC_POOL_TIMEOUT, NULL, NULL, NULL},
     true},
};

static void keys_compare_and_hash(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(key_cases); i++) {
        const struct series_key *a = &key_cases[i].a, *b = &key_cases[i].b;

        if (series_key_equal(a, b) != key_cases[i].equal ||
            (series_hash(a) == series_hash(b)) != key_cases[i].equal) {
            fail_msg("%s", key_cases[i].name);
        }
    }
}

/* --- Dimensions --- */

static const struct {
    const char *name, *text, *value;
} value_cases[] = {
    {"plain", "orders-prod-1", "orders-prod-1"},
    {"inner blanks", "my app v2", "my app v2"},
    {"empty", "", "(none)"},
    {"blank", "   ", "(none)"},
    {"UTF-8",
     "gr\xc3\xb6\xc3\x9f"
     "e",
     "gr\\xC3\\xB6\\xC3\\x9F"
     "e"},
    {"control characters", "a\tb\x7f\n", "a\\x09b\\x7F\\x0A"},
    {"all printable ends", " ~", " ~"},
    {"quotes and backslashes are printable", "\"\\", "\"\\"},
};

static void values_of_dimensions_are_what_cloudwatch_takes(void **state)
{
    char out[DIMENSION_VALUE_MAX + 1];

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(value_cases); i++) {
        series_dimension_value(value_cases[i].text, out);
        if (strcmp(out, value_cases[i].value) != 0) {
            fail_msg("%s: %s", value_cases[i].name, out);
        }
    }
}

static void long_values_are_cut_between_characters(void **state)
{
    char text[3000], out[DIMENSION_VALUE_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    series_dimension_value(text, out);
    assert_int_equal(strlen(out), DIMENSION_VALUE_MAX);
    memset(text, '\xff', sizeof(text) - 1);
    text[0] = 'x'; /* 1 + 4 * 255 = 1021: there is no room for a whole escape */
    series_dimension_value(text, out);
    assert_int_equal(strlen(out), DIMENSION_VALUE_MAX - 3);
    assert_string_equal(out + DIMENSION_VALUE_MAX - 7, "\\xFF");
}

/* --- Datums --- */

struct datums {
    char *members[60];
    size_t count;
};

static void keep(void *arg, const char *members)
{
    struct datums *datums = arg;

    assert_true(datums->count < MEM_COUNT(datums->members));
    datums->members[datums->count++] = mem_strdup(members);
}

static void forget(struct datums *datums)
{
    for (size_t i = 0; i < datums->count; i++) {
        free(datums->members[i]);
    }
    datums->count = 0;
}

static char environment[] = "Environment", production[] = "production";
static struct config_pair pairs[] = {{environment, production}};
static const struct config_pairs configured = {pairs, 1};

#define ORDERS     "{\"Name\":\"DBInstanceIdentifier\",\"Value\":\"orders\"}"
#define API        "{\"Name\":\"Pool\",\"Value\":\"api\"}"
#define IDLE       "{\"Name\":\"State\",\"Value\":\"idle in transaction\"}"
#define BASTION    "{\"Name\":\"Agent\",\"Value\":\"bastion-1\"}"
#define PRODUCTION "{\"Name\":\"Environment\",\"Value\":\"production\"}"

#define METRIC(name)           "\"MetricName\":\"" name "\""
#define LIST(dimensions)       ",\"Dimensions\":[" dimensions "]"
#define NUMBERS(numbers, unit) "," numbers ",\"Unit\":\"" unit "\""

static const struct {
    const char *name;
    struct series_key key;
    double values[4];
    size_t count;
    int resolution_s;
    const char *members; /* NULL: no datum */
} encode_cases[] = {
    {"a database's gauge",
     {METRIC_DATABASE_CONNECTIONS, "orders", NULL, NULL},
     {41, 40, 41},
     3,
     60,
     METRIC("DatabaseConnections") LIST(ORDERS "," PRODUCTION)
         NUMBERS("\"Values\":[40,41],\"Counts\":[1,2]", "Count")},
    {"a pool's gauge, high resolution",
     {METRIC_POOL_MAX_WAIT, "orders", "api", NULL},
     {1.5},
     1,
     1,
     METRIC("PoolMaxWait") LIST(ORDERS "," API "," PRODUCTION)
         NUMBERS("\"Value\":1.5", "Seconds") ",\"StorageResolution\":1"},
    {"an extra dimension",
     {METRIC_CONNECTIONS_BY_STATE, "orders", NULL, "idle in transaction"},
     {3},
     1,
     60,
     METRIC("DatabaseConnections") LIST(ORDERS "," IDLE "," PRODUCTION)
         NUMBERS("\"Value\":3", "Count")},
    {"the agent's own",
     {METRIC_AGENT_SPOOL_BYTES, NULL, NULL, "bastion-1"},
     {0},
     1,
     60,
     METRIC("AgentSpoolBytes") LIST(BASTION "," PRODUCTION) NUMBERS("\"Value\":0", "Bytes")},
    {"a counter is one sum",
     {METRIC_POOL_TIMEOUT, "orders", "api", NULL},
     {1, 0, 2, 2},
     4,
     60,
     METRIC("PoolTimeout") LIST(ORDERS "," API "," PRODUCTION) NUMBERS("\"Value\":5", "Count")},
    {"the sum of a database",
     {METRIC_POOL_TIMEOUT, "orders", NULL, NULL},
     {0},
     1,
     60,
     METRIC("PoolTimeout") LIST(ORDERS "," PRODUCTION) NUMBERS("\"Value\":0", "Count")},
    {"the rollup has no dimension at all",
     {METRIC_POOL_TIMEOUT, NULL, NULL, NULL},
     {7},
     1,
     60,
     METRIC("PoolTimeout") NUMBERS("\"Value\":7", "Count")},
    {"a gauge without values makes no datum",
     {METRIC_DATABASE_UP, "orders", NULL, NULL},
     {0},
     0,
     60,
     NULL},
};

static void series_become_datums(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(encode_cases); i++) {
        struct datums datums = {.count = 0};
        struct series series;

        series_init(&series, &encode_cases[i].key, series_hash(&encode_cases[i].key));
        for (size_t j = 0; j < encode_cases[i].count; j++) {
            assert_true(series_add(&series, encode_cases[i].values[j]));
        }
        series_encode(&series, &configured, encode_cases[i].resolution_s, keep, &datums);
        assert_int_equal(datums.count, encode_cases[i].members ? 1 : 0);
        if (encode_cases[i].members && strcmp(datums.members[0], encode_cases[i].members) != 0) {
            fail_msg("%s: %s", encode_cases[i].name, datums.members[0]);
        }
        forget(&datums);
        series_done(&series);
    }
}

/* Counts the numbers of the first array, and checks that they go on where the last one ended. */
static size_t count_values(const char *members, double *next)
{
    const char *at = strstr(members, "\"Values\":[");
    size_t count = 0;

    assert_non_null(at);
    at += strlen("\"Values\":[");
    for (;;) {
        char *end;

        assert_true(strtod(at, &end) == *next);
        *next += 1;
        count++;
        if (*end == ']') {
            return count;
        }
        at = end + 1;
    }
}

static void many_distinct_values_make_several_datums(void **state)
{
    static const struct {
        size_t values;
        size_t datums;
        size_t last; /* values in the last */
    } cases[] = {{150, 1, 150}, {151, 2, 1}, {300, 2, 150}, {3600, 24, 150}, {6000, 40, 150}};
    const struct series_key key = {METRIC_POOL_MAX_WAIT, "orders", "api", NULL};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct datums datums = {.count = 0};
        struct series series;
        double next = 0;
        size_t last = 0;

        series_init(&series, &key, series_hash(&key));
        for (size_t j = 0; j < cases[i].values; j++) {
            assert_true(series_add(&series, (double)j));
        }
        if (cases[i].last == 1) {
            assert_true(series_add(&series, 150)); /* twice: no plain Value */
        }
        series_encode(&series, NULL, 60, keep, &datums);
        assert_int_equal(datums.count, cases[i].datums);
        for (size_t j = 0; j < datums.count; j++) {
            last = count_values(datums.members[j], &next);
            assert_true(last == (j + 1 < datums.count ? 150 : cases[i].last));
        }
        assert_true(next == (double)cases[i].values);
        forget(&datums);
        series_done(&series);
    }
}

static void a_sum_stays_in_range(void **state)
{
    const struct series_key key = {METRIC_POOL_TIMEOUT, "orders", "api", NULL};
    struct series series;

    (void)state;
    series_init(&series, &key, series_hash(&key));
    assert_true(series_add(&series, SERIES_NUMBER_MAX));
    assert_false(series_add(&series, SERIES_NUMBER_MAX));
    assert_true(series.sum == SERIES_NUMBER_MAX);
    series_done(&series);
}

static void the_longest_datum_is_whole(void **state)
{
    static char name[256], value[1025], text[1025];
    struct config_pair many[28];
    const struct config_pairs all = {many, MEM_COUNT(many)};
    const struct series_key key = {METRIC_POOL_MAX_WAIT, text, text, NULL};
    struct datums datums = {.count = 0};
    struct series series;

    (void)state;
    memset(name, '"', sizeof(name) - 1);
    memset(value, '\\', sizeof(value) - 1);
    memset(text, '"', sizeof(text) - 1);
    for (size_t i = 0; i < MEM_COUNT(many); i++) {
        many[i] = (struct config_pair){name, value};
    }
    series_init(&series, &key, series_hash(&key));
    for (int i = 0; i < 150; i++) {
        assert_true(series_add(&series, -1.0 / (i + 3)));
    }
    series_encode(&series, &all, 60, keep, &datums);
    assert_int_equal(datums.count, 1);
    const char *tail = strstr(datums.members[0], "],\"Unit\":\"Seconds\"");
    assert_non_null(tail);
    assert_string_equal(tail, "],\"Unit\":\"Seconds\"");
    forget(&datums);
    series_done(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_compare_and_hash),
        cmocka_unit_test(values_of_dimensions_are_what_cloudwatch_takes),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(series_become_datums),
        cmocka_unit_test(many_distinct_values_make_several_datums),
        cmocka_unit_test(a_sum_stays_in_range),
        cmocka_unit_test(the_longest_datum_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
