/* The wanted dashboards: within the grid and CloudWatch's limits, whatever is configured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/provision/dashboard.h"
#include "agent/provision/page.h"
#include "aws/common/json.h"
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

/* The same number of alarms for each database, two regions in turn. */
static void make(const struct config *config, size_t alarms, struct dashboards *out)
{
    struct dashboard_database *databases =
        mem_alloc(config->database_count * sizeof(struct dashboard_database));

    for (size_t i = 0; i < config->database_count; i++) {
        databases[i] = (struct dashboard_database){.region = i % 2 ? "us-east-1" : "eu-west-1",
                                                   .alarms = json_array()};
        for (size_t j = 0; j < alarms; j++) {
            json_array_append_new(databases[i].alarms,
                                  json_sprintf("arn:aws:cloudwatch:%s:123456789012:alarm:%zu-%zu",
                                               databases[i].region, i, j));
        }
    }
    dashboards_make(config, databases, out);
    for (size_t i = 0; i < config->database_count; i++) {
        json_decref(databases[i].alarms);
    }
    free(databases);
}

static const json_t *widgets_of(const struct dashboard *dashboard)
{
    return json_object_get(dashboard->body, "widgets");
}

static int number_of(const json_t *widget, const char *key)
{
    const json_t *number = json_object_get(widget, key);

    assert_true(json_is_integer(number));
    return (int)json_integer_value(number);
}

static bool overlap(const json_t *a, const json_t *b)
{
    int ax = number_of(a, "x"), ay = number_of(a, "y"), bx = number_of(b, "x"),
        by = number_of(b, "y");

    return ax < bx + number_of(b, "width") && bx < ax + number_of(a, "width") &&
           ay < by + number_of(b, "height") && by < ay + number_of(a, "height");
}

/* Of the grid and of widgets; the rest of their form is the stand-in's to check. */
static void assert_sound(const struct dashboard *dashboard)
{
    const json_t *widgets = widgets_of(dashboard);
    size_t metrics = 0;

    assert_in_range(json_array_size(widgets), 1, 500);
    assert_in_range(strlen(dashboard->name), 1, 255);
    assert_int_equal(
        strspn(dashboard->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
        strlen(dashboard->name));
    assert_true(dashboard_is_ours(dashboard->body));
    for (size_t i = 0; i < json_array_size(widgets); i++) {
        const json_t *widget = json_array_get(widgets, i);
        const json_t *properties = json_object_get(widget, "properties");
        size_t own = json_array_size(json_object_get(properties, "metrics"));
        const json_t *alarms = json_object_get(properties, "alarms");

        assert_in_range(number_of(widget, "x") + number_of(widget, "width"), 1, 24);
        assert_in_range(number_of(widget, "height"), 1, 1000);
        assert_in_range(own, 0, 500);
        if (alarms) {
            assert_in_range(json_array_size(alarms), 1, 100);
        }
        metrics += own;
        for (size_t j = 0; j < i; j++) {
            assert_false(overlap(widget, json_array_get(widgets, j)));
        }
    }
    assert_in_range(metrics, 1, 2500);
}

static size_t count_titles(const struct dashboard *dashboard, const char *part)
{
    const json_t *widgets = widgets_of(dashboard);
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(widgets); i++) {
        const json_t *properties = json_object_get(json_array_get(widgets, i), "properties");
        const char *title = json_text_of(properties, "title");

        count += title && strstr(title, part) ? 1 : 0;
    }
    return count;
}

static const struct {
    const char *name, *text;
    size_t connections, states, oldest, instance, proxy, timeouts, waiting, busy;
} set_cases[] = {
    {"core", ORDERS, 1, 0, 0, 1, 0, 0, 0, 0},
    {"standard", "[cloudwatch]\nmetrics = standard\n" ORDERS, 1, 1, 1, 1, 0, 0, 0, 0},
    {"two pools", "[cloudwatch]\nmetrics = standard\n" ORDERS "[pool a]\n[pool b]\n", 1, 1, 1, 1, 0,
     2, 2, 2},
    {"a pool in core", ORDERS "[pool a]\n", 1, 0, 0, 1, 0, 1, 0, 0},
    {"unnamed pools", ORDERS "[statsd]\ndatabase = orders\n", 1, 0, 0, 1, 0, 1, 0, 0},
    {"a proxy", "[alarms]\nproxy_name = px\n" ORDERS, 1, 0, 0, 1, 1, 0, 0, 0},
};

/* "Timeouts" and "timeouts". */
static void what_is_published_is_drawn(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(set_cases); i++) {
        struct config *config = load(set_cases[i].text);
        struct dashboards dashboards;

        make(config, 4, &dashboards);
        assert_int_equal(dashboards.count, 1);
        const struct dashboard *only = &dashboards.list[0];
        assert_sound(only);
        assert_string_equal(only->name, "poolwarden-Application");
        assert_int_equal(count_titles(only, "Alarms in eu-west-1"), 1);
        assert_int_equal(count_titles(only, "Connections against"), set_cases[i].connections);
        assert_int_equal(count_titles(only, "Utilization"), 1);
        assert_int_equal(count_titles(only, "by state"), set_cases[i].states);
        assert_int_equal(count_titles(only, "Oldest transaction"), set_cases[i].oldest);
        assert_int_equal(count_titles(only, "CPU and memory"), set_cases[i].instance);
        assert_int_equal(count_titles(only, "RDS Proxy"), set_cases[i].proxy);
        assert_int_equal(count_titles(only, "imeouts"), set_cases[i].timeouts);
        assert_int_equal(count_titles(only, "longest wait"), set_cases[i].waiting);
        assert_int_equal(count_titles(only, "busy"), set_cases[i].busy);
        dashboards_done(&dashboards);
        config_free(config);
    }
}

static struct config *load_many(size_t databases, size_t pools)
{
    struct buf text;

    buf_init(&text, (size_t)4 << 20);
    buf_puts(&text, "[cloudwatch]\nmetrics = standard\n");
    for (size_t i = 0; i < databases; i++) {
        buf_printf(&text, "[database db%zu]\nurl = postgresql://app@db%zu/x\n", i, i);
    }
    for (size_t i = 0; i < pools; i++) {
        buf_printf(&text, "[pool p%zu]\ndatabase = db%zu\n", i, i % databases);
    }
    struct config *config = load(buf_text(&text));

    buf_done(&text);
    return config;
}

static const struct {
    size_t databases, pools, alarms, dashboards;
} many_cases[] = {{1, 0, 0, 1},     {20, 20, 9, 1},   {21, 0, 4, 3},
                  {40, 0, 4, 3},    {41, 0, 4, 4},    {500, 500, 6, 26},
                  {1000, 0, 5, 51}, {10, 900, 5, 11}, {1, 1000, 5, 1}};

static void whatever_there_is_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(many_cases); i++) {
        struct config *config = load_many(many_cases[i].databases, many_cases[i].pools);
        struct dashboards dashboards;
        size_t details = 0;

        make(config, many_cases[i].alarms, &dashboards);
        if (dashboards.count != many_cases[i].dashboards) {
            fail_msg("%zu databases, %zu pools: %zu dashboards", many_cases[i].databases,
                     many_cases[i].pools, dashboards.count);
        }
        for (size_t j = 0; j < dashboards.count; j++) {
            assert_sound(&dashboards.list[j]);
            details += count_titles(&dashboards.list[j], "Connections against");
        }
        assert_int_equal(details, many_cases[i].databases); /* each is on exactly one */
        dashboards_done(&dashboards);
        config_free(config);
    }
}

static void a_summary_leads_to_the_others(void **state)
{
    struct config *config = load_many(45, 3);
    struct dashboards dashboards;

    (void)state;
    make(config, 4, &dashboards);
    assert_int_equal(dashboards.count, 4);
    const char *text = json_string_value(json_object_get(
        json_object_get(json_array_get(widgets_of(&dashboards.list[0]), 0), "properties"),
        "markdown"));
    for (size_t i = 1; i < dashboards.count; i++) {
        assert_non_null(strstr(text, dashboards.list[i].name));
    }
    assert_string_equal(dashboards.list[3].name, "poolwarden-Application-3");
    assert_int_equal(count_titles(&dashboards.list[0], "Utilization"), 1);
    assert_int_equal(count_titles(&dashboards.list[0], "Pool timeouts"), 1);
    assert_int_equal(count_titles(&dashboards.list[0], "Alarms in"), 2); /* one a region */
    dashboards_done(&dashboards);
    config_free(config);
}

static void names_tell_configurations_apart(void **state)
{
    static const struct {
        const char *text, *name; /* name NULL: with a hash behind it */
    } cases[] = {
        {ORDERS, "poolwarden-Application"},
        {"[cloudwatch]\nnamespace = Shop_Db\ndimension.Environment = test\n[alarms]\n"
         "name_prefix = x-\n" ORDERS,
         "x-poolwarden-Shop_Db-test"},
        {"[cloudwatch]\nnamespace = Shop/Db\n" ORDERS, NULL},
        {"[cloudwatch]\nnamespace = Shop.Db\n" ORDERS, NULL},
        {"[cloudwatch]\nnamespace = Shop-Db\n" ORDERS, "poolwarden-Shop-Db"},
    };
    char *names[MEM_COUNT(cases)];

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct config *config = load(cases[i].text);

        names[i] = dashboard_name(config, 0);
        if (cases[i].name) {
            assert_string_equal(names[i], cases[i].name);
        }
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(names[i], names[j]);
        }
        config_free(config);
    }
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        free(names[i]);
    }
}

static void the_console_s_address(void **state)
{
    static const struct {
        const char *region, *begins;
    } cases[] = {
        {"eu-west-1", "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#"},
        {"cn-north-1",
         "https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#"},
        {"us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *url = dashboard_url(cases[i].region, "x");

        assert_memory_equal(url, cases[i].begins, strlen(cases[i].begins));
        assert_non_null(strstr(url, "#dashboards/dashboard/x"));
        free(url);
    }
}

static void numbers_are_the_same_in_whatever_form(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"[80]", "[80.0]", true},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true},
        {"[80]", "[81]", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1}", false},
        {"[\"1\"]", "[1]", false},
        {"[true]", "[1]", false},
        {"[null]", "[null]", true},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        json_t *a = json_loads(cases[i].a, 0, NULL), *b = json_loads(cases[i].b, 0, NULL);

        if (dashboard_is_same(a, b) != cases[i].same) {
            fail_msg("%s %s", cases[i].a, cases[i].b);
        }
        json_decref(a);
        json_decref(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_is_drawn),
        cmocka_unit_test(whatever_there_is_fits),
        cmocka_unit_test(a_summary_leads_to_the_others),
        cmocka_unit_test(names_tell_configurations_apart),
        cmocka_unit_test(the_console_s_address),
        cmocka_unit_test(numbers_are_the_same_in_whatever_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
