/* The wanted alarms: one row each, from the configuration and the live limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/provision/alarm_diff.h"
#include "agent/provision/alarms.h"
#include "aws/cloudwatch_json.h"
#include "aws/common/mem.h"

#define ORDERS "[database orders]\nurl = postgresql://app@db/orders\n"

static struct config *load(const char *text)
{
    static const char *const nothing[] = {NULL};
    const struct config_source source = {.file = "a.conf", .text = text, .environ = nothing};
    struct config *config;
    struct buf errors;

    buf_init(&errors, 65536);
    if (!config_load(&source, &config, &errors)) {
        fail_msg("refused: %s", buf_text(&errors));
    }
    buf_done(&errors);
    return config;
}

static struct alarm_context context_of(const struct config *config, double usable)
{
    return (struct alarm_context){.config = config,
                                  .database = &config->databases[0],
                                  .pool = config->pool_count > 0 ? &config->pools[0] : NULL,
                                  .usable = usable};
}

/* --- The defaults of the contract --- */

static const struct {
    enum alarm_kind kind;
    const char *name, *metric, *statistic, *comparison, *missing_data;
    double threshold;
    int period_s, datapoints, evaluation_periods;
} default_cases[] = {
    {ALARM_HIGH_CONNECTIONS, "rds-high-connections-orders", "DatabaseConnections", "Maximum",
     "GreaterThanThreshold", "missing", 37.6, 60, 2, 3},
    {ALARM_POOL_TIMEOUT, "prisma-pool-timeout-orders", "PoolTimeout", "Sum", "GreaterThanThreshold",
     "notBreaching", 5, 60, 1, 1},
    {ALARM_CONNECTIONS_EXHAUSTED, "connections-exhausted-orders", "AvailableConnections", "Minimum",
     "LessThanThreshold", "missing", 1, 60, 1, 1},
    {ALARM_CONNECTION_LEAK, "connection-leak-orders", "LeakedConnections", "Maximum",
     "GreaterThanThreshold", "missing", 0, 60, 5, 5},
    {ALARM_MONITORING_SILENT, "monitoring-silent-orders", "DatabaseUp", "SampleCount",
     "LessThanThreshold", "breaching", 1, 60, 3, 3},
    {ALARM_POOL_WAITING, "pool-waiting-orders-api", "PoolMaxWait", "Maximum",
     "GreaterThanThreshold", "missing", 5, 60, 2, 3},
    {ALARM_RDS_CPU, "rds-cpu-orders", "CPUUtilization", "Average", "GreaterThanThreshold",
     "missing", 70, 60, 5, 5},
    {ALARM_RDS_MEMORY, "rds-memory-orders", "FreeableMemory", "Average", "LessThanThreshold",
     "missing", 268435456, 60, 5, 5},
    {ALARM_PROXY_BORROW_LATENCY, "rds-proxy-borrow-latency-orders",
     "DatabaseConnectionsBorrowLatency", "Average", "GreaterThanThreshold", "missing", 100000, 60,
     3, 3},
};

#define ALL_ON                                                                                     \
    "[cloudwatch]\nmetrics = standard\n[alarms]\nconnection_leak = 0\npool_waiting = 5s\n"         \
    "rds_cpu = 70%\nrds_memory = 256MB\nproxy_borrow_latency = 100ms\nproxy_name = orders\n"

static void the_defaults_are_those_of_the_contract(void **state)
{
    struct config *config = load(ALL_ON "[pool api]\ntype = statsd\ndatabase = orders\n" ORDERS);
    const struct alarm_context context = context_of(config, 47);

    (void)state;
    assert_int_equal(MEM_COUNT(default_cases), ALARM_KIND_COUNT);
    for (size_t i = 0; i < MEM_COUNT(default_cases); i++) {
        struct cloudwatch_alarm alarm;
        struct err err;

        assert_true(alarm_wanted(&context, default_cases[i].kind, &alarm, &err));
        assert_string_equal(alarm.name, default_cases[i].name);
        assert_string_equal(alarm.namespace_,
                            alarm_is_aws(default_cases[i].kind) ? "AWS/RDS" : "Application");
        assert_string_equal(alarm.metric, default_cases[i].metric);
        assert_string_equal(alarm.statistic, default_cases[i].statistic);
        assert_string_equal(alarm.comparison, default_cases[i].comparison);
        assert_string_equal(alarm.missing_data, default_cases[i].missing_data);
        assert_true(alarm.threshold == default_cases[i].threshold);
        assert_int_equal(alarm.period_s, default_cases[i].period_s);
        assert_int_equal(alarm.datapoints, default_cases[i].datapoints);
        assert_int_equal(alarm.evaluation_periods, default_cases[i].evaluation_periods);
        assert_int_equal(alarm.dimension_count,
                         default_cases[i].kind == ALARM_POOL_WAITING ? 2 : 1);
        assert_string_equal(alarm.dimensions[0].name,
                            default_cases[i].kind == ALARM_PROXY_BORROW_LATENCY
                                ? "ProxyName"
                                : "DBInstanceIdentifier");
        assert_string_equal(alarm.dimensions[0].value, "orders");
        assert_true(alarm.actions_enabled);
        assert_null(alarm.alarm_actions[0]);
        assert_string_equal(alarm_note(&context, default_cases[i].kind), "");
        cloudwatch_alarm_done(&alarm);
    }
    config_free(config);
}

/* --- Thresholds --- */

static const struct {
    const char *threshold;
    double usable;
    const char *travels; /* as in the request */
} threshold_cases[] = {
    {"80%", 47, "37.6"},         {"80%", 97, "77.6"},       {"80%", 100, "80"},
    {"80%", 1, "0.8"},           {"80%", 3, "2.4"},         {"80%", 4997, "3997.6"},
    {"33.3%", 47, "15.651"},     {"70%", 47, "32.9"},       {"29%", 100, "29"},
    {"57%", 100, "57"},          {"99.9%", 997, "996.003"}, {"80%", 262143, "209714.4"},
    {"12.345%", 97, "11.97465"}, {"47", 0, "47"},           {"47", 100, "47"},
    {"100%", 47, "47"},
};

static void thresholds_travel_as_a_person_would_write_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(threshold_cases); i++) {
        char text[200], expected[50];
        struct cloudwatch_alarm alarm, existing = {0};
        struct err err;

        snprintf(text, sizeof(text), "[alarms]\nhigh_connections = %s\n" ORDERS,
                 threshold_cases[i].threshold);
        struct config *config = load(text);
        const struct alarm_context context = context_of(config, threshold_cases[i].usable);
        assert_true(alarm_wanted(&context, ALARM_HIGH_CONNECTIONS, &alarm, &err));
        snprintf(expected, sizeof(expected), "\"Threshold\":%s,", threshold_cases[i].travels);
        char *document = cloudwatch_alarm_to_json(&alarm, NULL, 0);
        if (!strstr(document, expected)) {
            fail_msg("%s of %g: %s", threshold_cases[i].threshold, threshold_cases[i].usable,
                     document);
        }
        /* and come back as the same */
        existing = alarm;
        existing.threshold = strtod(threshold_cases[i].travels, NULL);
        json_t *changes = json_array();
        alarm_diff(&alarm, &existing, changes);
        assert_int_equal(json_array_size(changes), 0);
        json_decref(changes);
        free(document);
        cloudwatch_alarm_done(&alarm);
        config_free(config);
    }
}

static void a_percentage_needs_the_limit(void **state)
{
    struct config *config = load(ORDERS);
    const struct alarm_context context = context_of(config, 0);
    struct cloudwatch_alarm alarm;
    struct err err;

    (void)state;
    assert_false(alarm_wanted(&context, ALARM_HIGH_CONNECTIONS, &alarm, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "high_connections = 80%"));
    assert_non_null(strstr(err.message, "give an absolute number"));
    assert_true(alarm_wanted(&context, ALARM_CONNECTIONS_EXHAUSTED, &alarm, &err));
    cloudwatch_alarm_done(&alarm);
    config_free(config);
}

static void what_is_off_is_not_wanted(void **state)
{
    struct config *config =
        load("[alarms]\nhigh_connections = off\npool_timeout = off\nconnections_exhausted = off\n"
             "monitoring_silent = off\n" ORDERS);
    const struct alarm_context context = context_of(config, 47);

    (void)state;
    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        struct cloudwatch_alarm alarm;
        struct err err;

        assert_false(alarm_wanted(&context, (enum alarm_kind)kind, &alarm, &err));
        assert_int_equal(err.code, ERR_ABSENT);
        assert_non_null(strstr(err.message, alarm_row((enum alarm_kind)kind)->key));
    }
    config_free(config);
}

static void silence_counts_samples_whatever_its_length(void **state)
{
    struct config *config = load("[alarms]\nmonitoring_silent = 10m\n" ORDERS);
    const struct alarm_context context = context_of(config, 47);
    struct cloudwatch_alarm alarm;
    struct err err;

    (void)state;
    assert_true(alarm_wanted(&context, ALARM_MONITORING_SILENT, &alarm, &err));
    assert_true(alarm.threshold == 1);
    assert_int_equal(alarm.evaluation_periods, 10);
    assert_int_equal(alarm.datapoints, 10);
    assert_non_null(strstr(alarm.description, "For 600 s no agent"));
    cloudwatch_alarm_done(&alarm);
    config_free(config);
}

/* --- Everything else that is configured --- */

static void configuration_goes_into_the_alarm(void **state)
{
    struct config *config =
        load("[cloudwatch]\nnamespace = Shop/Db\n"
             "dimension.Environment = production\n"
             "[alarms]\nhigh_connections.rule = Average 300s 1/1\n"
             "actions = arn:aws:sns:eu-west-1:123456789012:ops, "
             "arn:aws:sns:eu-west-1:123456789012:boss\n"
             "ok_actions = arn:aws:sns:eu-west-1:123456789012:ok\n"
             "insufficient_data_actions = arn:aws:sns:eu-west-1:123456789012:no\n"
             "name_prefix = prod-\ntag.team = payments\n"
             "[database orders]\nurl = postgresql://app@db/orders\n"
             "identifier = orders-prod-1\n");
    const struct alarm_context context = context_of(config, 47);
    struct cloudwatch_alarm alarm;
    struct err err;

    (void)state;
    assert_true(alarm_wanted(&context, ALARM_HIGH_CONNECTIONS, &alarm, &err));
    assert_string_equal(alarm.name, "prod-rds-high-connections-orders-prod-1");
    assert_string_equal(alarm.namespace_, "Shop/Db");
    assert_string_equal(alarm.statistic, "Average");
    assert_int_equal(alarm.period_s, 300);
    assert_int_equal(alarm.dimension_count, 2);
    assert_string_equal(alarm.dimensions[0].value, "orders-prod-1");
    assert_string_equal(alarm.dimensions[1].name, "Environment");
    assert_string_equal(alarm.dimensions[1].value, "production");
    assert_string_equal(alarm.alarm_actions[0], "arn:aws:sns:eu-west-1:123456789012:ops");
    assert_string_equal(alarm.alarm_actions[1], "arn:aws:sns:eu-west-1:123456789012:boss");
    assert_null(alarm.alarm_actions[2]);
    assert_string_equal(alarm.ok_actions[0], "arn:aws:sns:eu-west-1:123456789012:ok");
    assert_string_equal(alarm.insufficient_data_actions[0],
                        "arn:aws:sns:eu-west-1:123456789012:no");
    cloudwatch_alarm_done(&alarm);

    config_free(config);
}

static const struct {
    const char *name, *text, *missing_data, *note;
} pool_cases[] = {
    {"no pool", ORDERS, "missing", "no pool is configured yet"},
    {"a pool", ORDERS "[pool api]\ntype = statsd\ndatabase = orders\n", "notBreaching", ""},
    {"another database's pool",
     ORDERS "[database billing]\nurl = postgresql://app@db2/billing\n"
            "[pool api]\ntype = statsd\ndatabase = billing\n",
     "missing", "no pool is configured yet"},
    {"unnamed pools", ORDERS "[statsd]\ndatabase = orders\n", "notBreaching", ""},
};

static void without_a_pool_missing_timeouts_are_not_good_news(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(pool_cases); i++) {
        struct config *config = load(pool_cases[i].text);
        const struct alarm_context context = context_of(config, 47);
        struct cloudwatch_alarm alarm;
        struct err err;

        assert_true(alarm_wanted(&context, ALARM_POOL_TIMEOUT, &alarm, &err));
        if (strcmp(alarm.missing_data, pool_cases[i].missing_data) != 0) {
            fail_msg("%s: %s", pool_cases[i].name, alarm.missing_data);
        }
        assert_string_equal(alarm_note(&context, ALARM_POOL_TIMEOUT), pool_cases[i].note);
        assert_string_equal(alarm_note(&context, ALARM_HIGH_CONNECTIONS), "");
        cloudwatch_alarm_done(&alarm);
        config_free(config);
    }
}

static void descriptions_help_and_change_only_with_the_threshold(void **state)
{
    struct config *config = load(ALL_ON ORDERS "[pool api]\ndatabase = orders\n");
    const struct alarm_context small = context_of(config, 47), large = context_of(config, 97);

    (void)state;
    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        struct cloudwatch_alarm a, b;
        struct err err;

        assert_true(alarm_wanted(&small, (enum alarm_kind)kind, &a, &err));
        assert_true(alarm_wanted(&large, (enum alarm_kind)kind, &b, &err));
        assert_in_range(strlen(a.description), 200, 1024);
        assert_non_null(strstr(a.description, "orders"));
        assert_non_null(strstr(a.description, "Run first: poolwarden --diagnose"));
        assert_true((strcmp(a.description, b.description) == 0) == (a.threshold == b.threshold));
        cloudwatch_alarm_done(&a);
        cloudwatch_alarm_done(&b);
    }
    config_free(config);
}

static void the_description_of_a_percentage_says_of_what(void **state)
{
    struct config *config = load(ORDERS);
    const struct alarm_context context = context_of(config, 47);
    struct cloudwatch_alarm alarm;
    struct err err;

    (void)state;
    assert_true(alarm_wanted(&context, ALARM_HIGH_CONNECTIONS, &alarm, &err));
    assert_non_null(
        strstr(alarm.description, "More than 37.6 (80 % of the 47 usable) connections"));
    cloudwatch_alarm_done(&alarm);
    config_free(config);
}

/* --- Per pool, and AWS's own metrics --- */

static void each_pool_has_an_alarm_of_its_own(void **state)
{
    struct config *config =
        load("[cloudwatch]\nmetrics = standard\n[alarms]\npool_waiting = 5s\n" ORDERS
             "[pool api]\ndatabase = orders\n[pool jobs]\ndatabase = orders\n");
    struct alarm_context context = context_of(config, 47);
    struct cloudwatch_alarm alarm;
    struct err err;

    (void)state;
    context.pool = &config->pools[1];
    assert_true(alarm_wanted(&context, ALARM_POOL_WAITING, &alarm, &err));
    assert_string_equal(alarm.name, "pool-waiting-orders-jobs");
    assert_int_equal(alarm.dimension_count, 2);
    assert_string_equal(alarm.dimensions[1].name, "Pool");
    assert_string_equal(alarm.dimensions[1].value, "jobs");
    assert_true(alarm.threshold == 5);
    cloudwatch_alarm_done(&alarm);
    config_free(config);
}

#define RDS(label)                                                                                 \
    "[database orders]\nurl = postgresql://app@" label ".eu-west-1.rds.amazonaws.com/orders\n"

static const struct {
    const char *name, *text, *aurora, *instance; /* instance NULL: refused */
} instance_cases[] = {
    {"no RDS host: the identifier", ORDERS "identifier = orders-1\n", NULL, "orders-1"},
    {"an instance's endpoint: its first label", RDS("orders-1.abcdefghijkl"), NULL, "orders-1"},
    {"Aurora itself knows best", RDS("orders-1.abcdefghijkl"), "orders-1-b", "orders-1-b"},
    {"behind the writer's endpoint", RDS("orders.cluster-abcdefghijkl"), "orders-2", "orders-2"},
    {"behind the writer's endpoint, not seen", RDS("orders.cluster-abcdefghijkl"), NULL, NULL},
    {"a proxy's endpoint names no instance", RDS("px.proxy-abcdefghijkl"), NULL, "orders"},
};

static void aws_s_metrics_are_those_of_the_instance(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(instance_cases); i++) {
        char text[500];

        snprintf(text, sizeof(text),
                 "[alarms]\nrds_cpu = 70%%\n[cloudwatch]\n"
                 "dimension.Environment = production\n%s",
                 instance_cases[i].text);
        struct config *config = load(text);
        struct alarm_context context = context_of(config, 47);
        struct cloudwatch_alarm alarm = {0};
        struct err err;

        context.instance = instance_cases[i].aurora;
        bool ok = alarm_wanted(&context, ALARM_RDS_CPU, &alarm, &err);
        if (ok != (instance_cases[i].instance != NULL)) {
            fail_msg("%s", instance_cases[i].name);
        }
        if (ok) {
            assert_string_equal(alarm.namespace_, "AWS/RDS");
            assert_int_equal(alarm.dimension_count, 1);
            assert_string_equal(alarm.dimensions[0].name, "DBInstanceIdentifier");
            assert_string_equal(alarm.dimensions[0].value, instance_cases[i].instance);
        } else {
            assert_int_equal(err.code, ERR_CONFIG);
            assert_non_null(strstr(err.message, "give the instance's own endpoint"));
        }
        cloudwatch_alarm_done(&alarm);
        config_free(config);
    }
}

static const struct {
    const char *line, *travels, *words;
    enum alarm_kind kind;
} unit_cases[] = {
    {"rds_cpu = 70%", "\"Threshold\":70,", "more than 70 %", ALARM_RDS_CPU},
    {"rds_cpu = 85", "\"Threshold\":85,", "more than 85 %", ALARM_RDS_CPU},
    {"rds_memory = 256MB", "\"Threshold\":268435456,", "less than 256 MB", ALARM_RDS_MEMORY},
    {"proxy_borrow_latency = 100ms", "\"Threshold\":100000,", "longer than 100 ms",
     ALARM_PROXY_BORROW_LATENCY},
    {"pool_waiting = 1500ms", "\"Threshold\":1.5,", "longer than 1.5 s", ALARM_POOL_WAITING},
};

static void thresholds_have_the_unit_of_their_metric(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(unit_cases); i++) {
        char text[500];
        struct cloudwatch_alarm alarm;
        struct err err;

        snprintf(text, sizeof(text),
                 "[cloudwatch]\nmetrics = standard\n[alarms]\nproxy_name = px\n%s\n" ORDERS
                 "[pool api]\ndatabase = orders\n",
                 unit_cases[i].line);
        struct config *config = load(text);
        const struct alarm_context context = context_of(config, 0);
        assert_true(alarm_wanted(&context, unit_cases[i].kind, &alarm, &err));
        char *document = cloudwatch_alarm_to_json(&alarm, NULL, 0);
        if (!strstr(document, unit_cases[i].travels) ||
            !strstr(alarm.description, unit_cases[i].words)) {
            fail_msg("%s: %s", unit_cases[i].line, document);
        }
        free(document);
        cloudwatch_alarm_done(&alarm);
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_contract),
        cmocka_unit_test(thresholds_travel_as_a_person_would_write_them),
        cmocka_unit_test(a_percentage_needs_the_limit),
        cmocka_unit_test(what_is_off_is_not_wanted),
        cmocka_unit_test(silence_counts_samples_whatever_its_length),
        cmocka_unit_test(configuration_goes_into_the_alarm),
        cmocka_unit_test(without_a_pool_missing_timeouts_are_not_good_news),
        cmocka_unit_test(descriptions_help_and_change_only_with_the_threshold),
        cmocka_unit_test(the_description_of_a_percentage_says_of_what),
        cmocka_unit_test(each_pool_has_an_alarm_of_its_own),
        cmocka_unit_test(aws_s_metrics_are_those_of_the_instance),
        cmocka_unit_test(thresholds_have_the_unit_of_their_metric),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
