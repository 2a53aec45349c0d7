/* What configurations cost, counted by hand from the list of metrics and AWS's prices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cost.h"
#include "aws/common/mem.h"

#define ORDERS "[database orders]\nurl = postgresql://db/orders\n"
#define STOCK  "[database stock]\nurl = postgresql://db/stock\n"
#define POOL   "[pool workers]\ndatabase = orders\n"

static struct config *load(const char *text)
{
    const char *const environment[] = {NULL};
    const struct config_source source = {.file = "a.conf", .text = text, .environ = environment};
    struct config *config;
    struct buf errors;

    buf_init(&errors, 4096);
    if (!config_load(&source, &config, &errors)) {
        fail_msg("%s", buf_text(&errors));
    }
    buf_done(&errors);
    return config;
}

/* cmocka compares floats only. */
static void assert_near(double a, double b)
{
    if (fabs(a - b) > 1e-6) {
        fail_msg("%.9g is not %.9g", a, b);
    }
}

/*
 * core: 4 metrics a database; with a pool PoolTimeout of the pool, summed for the database, without
 * any dimension. standard: 10 more a database, 6 more a pool. full: by database 11, by application
 * 11, by state 6, latency and role; 4 of the agent, and one more with StatsD; one more for a log.
 */
static const struct {
    const char *text;
    int core, standard, full;
    double requests;
    int alarms, high_resolution;
} cases[] = {
    {ORDERS, 4, 14, 48, 43800, 4, 0},
    {ORDERS POOL, 7, 23, 58, 43800, 4, 0},
    {ORDERS "[pool web]\ntype = log\npath = /x\nmatch = prisma\n", 7, 24, 58, 43800, 4, 0},
    {ORDERS POOL "[cloudwatch]\nrollup = no\n", 6, 22, 57, 43800, 4, 0},
    {ORDERS "[statsd]\ndatabase = orders\n", 6, 16, 51, 43800, 4, 0},
    {ORDERS STOCK POOL, 11, 37, 102, 43800, 8, 0},
    {ORDERS STOCK "region = us-west-2\n" POOL, 11, 37, 106, 87600, 8, 0},
    {ORDERS "per_application = 0\nper_database = none\n", 4, 14, 26, 43800, 4, 0},
    {ORDERS "per_application = 3\nper_database = a, b\n", 4, 14, 33, 43800, 4, 0},
    {ORDERS "[agent]\npublish_interval = 10s\n", 4, 14, 48, 262800, 4, 0},
    {ORDERS "[agent]\npublish_interval = 5m\n", 4, 14, 48, 8760, 4, 0},
    {ORDERS "[alarms]\npool_timeout = off\nprovision = off\n", 4, 14, 48, 43800, 3, 0},
    {ORDERS "[alarms]\nhigh_connections.rule = Maximum 10s 2/3\n[cloudwatch]\nresolution = 1\n", 4,
     14, 48, 43800, 3, 1},
};

static void counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct config *config = load(cases[i].text);
        struct cost core, standard, full;

        cost_estimate(config, METRICS_CORE, &core);
        cost_estimate(config, METRICS_STANDARD, &standard);
        cost_estimate(config, METRICS_FULL, &full);
        assert_int_equal(core.metrics, cases[i].core);
        assert_int_equal(standard.metrics, cases[i].standard);
        assert_int_equal(full.metrics, cases[i].full);
        assert_near(core.requests, cases[i].requests);
        assert_int_equal(core.alarms, cases[i].alarms);
        assert_int_equal(core.high_resolution_alarms, cases[i].high_resolution);
        config_free(config);
    }
}

static void multiplies(void **state)
{
    struct config *config = load(ORDERS POOL "[alarms]\nhigh_connections.rule = Maximum 10s 2/3\n"
                                             "[cloudwatch]\nresolution = 1\n");
    struct cost cost;

    (void)state;
    cost_estimate(config, METRICS_CORE, &cost);
    assert_near(cost.metrics_usd, 2.10);
    assert_near(cost.requests_usd, 0.438);
    assert_near(cost.alarms_usd, 0.60);
    assert_near(cost.total_usd, 3.138);
    assert_int_equal(cost.metrics_per_pool, 1);
    cost_estimate(config, METRICS_FULL, &cost);
    assert_near(cost.requests, 43800.0 * 4); /* 57 datums a second */
    config_free(config);
}

/* 300 databases: full sets pass the first tier of 10,000, and each request's 1,000 datums. */
static void knows_tiers_and_batches(void **state)
{
    struct buf text;
    struct cost cost;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 300; i++) {
        buf_printf(&text, "[database d%d]\nurl = postgresql://db/x\n", i);
    }
    struct config *config = load(buf_text(&text));

    cost_estimate(config, METRICS_FULL, &cost);
    assert_int_equal(cost.metrics, 300 * 44 + 4);
    assert_near(cost.metrics_usd, 10000 * 0.30 + 3204 * 0.10);
    assert_near(cost.requests, 43800.0 * 14);
    config_free(config);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(multiplies),
        cmocka_unit_test(knows_tiers_and_batches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
