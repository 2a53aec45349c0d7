/* What differs between the wanted alarm and the one that exists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/provision/alarm_diff.h"
#include "aws/common/mem.h"

#define OPS  "arn:aws:sns:eu-west-1:123456789012:ops"
#define BOSS "arn:aws:sns:eu-west-1:123456789012:boss"
#define ME   "arn:aws:sns:eu-west-1:123456789012:me"

/* Texts of a test are never freed; an alarm's are not const because it owns them elsewhere. */
static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static struct cloudwatch_dimension dimensions[] = {{"DBInstanceIdentifier", "orders"},
                                                   {"Environment", "production"}};
static struct cloudwatch_dimension turned[] = {{"Environment", "production"},
                                               {"DBInstanceIdentifier", "orders"}};
static struct cloudwatch_dimension staging[] = {{"DBInstanceIdentifier", "orders"},
                                                {"Environment", "staging"}};

static struct cloudwatch_alarm the_alarm(void)
{
    return (struct cloudwatch_alarm){.name = text("rds-high-connections-orders"),
                                     .description = text("words"),
                                     .namespace_ = text("Application"),
                                     .metric = text("DatabaseConnections"),
                                     .dimensions = dimensions,
                                     .dimension_count = 2,
                                     .statistic = text("Maximum"),
                                     .period_s = 60,
                                     .evaluation_periods = 3,
                                     .datapoints = 2,
                                     .threshold = 37.6,
                                     .comparison = text("GreaterThanThreshold"),
                                     .missing_data = text("missing"),
                                     .actions_enabled = true,
                                     .alarm_actions = {text(OPS)}};
}

/* Each changes the existing alarm; wanted stays. */
static void nothing(struct cloudwatch_alarm *alarm)
{
    (void)alarm;
}

static void threshold(struct cloudwatch_alarm *alarm)
{
    alarm->threshold = 77.6;
}

static void threshold_of_the_long_way(struct cloudwatch_alarm *alarm)
{
    alarm->threshold = 37.600000000000001 + 7e-15;
}

static void threshold_almost(struct cloudwatch_alarm *alarm)
{
    alarm->threshold = 37.601;
}

static void rule(struct cloudwatch_alarm *alarm)
{
    alarm->statistic = text("Average");
    alarm->period_s = 300;
    alarm->datapoints = alarm->evaluation_periods = 1;
}

static void no_datapoints(struct cloudwatch_alarm *alarm)
{
    alarm->datapoints = 0;
}

static void comparison(struct cloudwatch_alarm *alarm)
{
    alarm->comparison = text("GreaterThanOrEqualToThreshold");
}

static void missing_data(struct cloudwatch_alarm *alarm)
{
    alarm->missing_data = text("breaching");
}

static void missing_data_absent(struct cloudwatch_alarm *alarm)
{
    alarm->missing_data = NULL;
}

static void percentile(struct cloudwatch_alarm *alarm)
{
    alarm->statistic = NULL;
}

static void description(struct cloudwatch_alarm *alarm)
{
    alarm->description = text("other words");
}

static void no_description(struct cloudwatch_alarm *alarm)
{
    alarm->description = NULL;
}

static void state_and_arn(struct cloudwatch_alarm *alarm)
{
    alarm->arn = text("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x");
    alarm->state = text("ALARM");
}

static void dimensions_turned(struct cloudwatch_alarm *alarm)
{
    alarm->dimensions = turned;
}

static void dimensions_of_staging(struct cloudwatch_alarm *alarm)
{
    alarm->dimensions = staging;
}

static void metric_of_rds(struct cloudwatch_alarm *alarm)
{
    alarm->namespace_ = text("AWS/RDS");
    alarm->dimension_count = 1;
}

static void composite(struct cloudwatch_alarm *alarm)
{
    alarm->metric = alarm->namespace_ = alarm->statistic = alarm->comparison = NULL;
    alarm->dimension_count = 0;
}

static void a_person_s_action(struct cloudwatch_alarm *alarm)
{
    alarm->alarm_actions[0] = text(ME);
    alarm->alarm_actions[1] = text(OPS);
    alarm->ok_actions[0] = text(ME);
}

static void actions_off(struct cloudwatch_alarm *alarm)
{
    alarm->actions_enabled = false;
}

static void another_action(struct cloudwatch_alarm *alarm)
{
    alarm->alarm_actions[0] = text(BOSS);
}

static void resized(struct cloudwatch_alarm *alarm)
{
    alarm->threshold = 77.6;
    alarm->description = text("other words");
}

#define ARROW " \xe2\x86\x92 "

static const struct {
    const char *name;
    void (*change)(struct cloudwatch_alarm *existing);
    const char *difference; /* "": none */
} cases[] = {
    {"nothing", nothing, ""},
    {"threshold", threshold, "threshold: 77.6" ARROW "37.6"},
    {"a threshold that went through other arithmetic", threshold_of_the_long_way, ""},
    {"a small difference is one", threshold_almost, "threshold: 37.601" ARROW "37.6"},
    {"rule", rule,
     "statistic: Average" ARROW "Maximum, period: 300" ARROW "60, datapoints: 1" ARROW
     "2, evaluation_periods: 1" ARROW "3"},
    {"absent datapoints are all of them", no_datapoints, "datapoints: 3" ARROW "2"},
    {"comparison", comparison,
     "comparison: GreaterThanOrEqualToThreshold" ARROW "GreaterThanThreshold"},
    {"missing data", missing_data, "missing_data: breaching" ARROW "missing"},
    {"absent missing data is missing", missing_data_absent, ""},
    {"a percentile", percentile, "statistic: none" ARROW "Maximum"},
    {"description", description, "description"},
    {"no description", no_description, "description"},
    {"state and ARN do not count", state_and_arn, ""},
    {"dimensions are a set", dimensions_turned, ""},
    {"dimensions", dimensions_of_staging,
     "watches: Application DatabaseConnections {DBInstanceIdentifier=orders, "
     "Environment=staging}" ARROW
     "Application DatabaseConnections {DBInstanceIdentifier=orders, Environment=production}"},
    {"another namespace", metric_of_rds,
     "watches: AWS/RDS DatabaseConnections {DBInstanceIdentifier=orders}" ARROW
     "Application DatabaseConnections {DBInstanceIdentifier=orders, Environment=production}"},
    {"a composite alarm", composite,
     "watches: no single metric" ARROW
     "Application DatabaseConnections {DBInstanceIdentifier=orders, Environment=production}, "
     "comparison: none" ARROW "GreaterThanThreshold, statistic: none" ARROW "Maximum"},
    {"a person's action", a_person_s_action, ""},
    {"actions a person switched off", actions_off, ""},
    {"another action", another_action, "actions: +" OPS},
    {"a server that was resized", resized, "threshold: 77.6" ARROW "37.6, description"},
};

/* What a person did is taken over first, as a run does. */
static json_t *changes_of(void (*change)(struct cloudwatch_alarm *existing),
                          const struct owner *owner)
{
    const struct cloudwatch_alarm borrowed = the_alarm();
    struct cloudwatch_alarm wanted, existing = the_alarm();
    json_t *changes = json_array();

    cloudwatch_alarm_copy(&borrowed, &wanted);
    change(&existing);
    alarm_diff_merge(&wanted, &existing, owner);
    alarm_diff(&wanted, &existing, changes);
    cloudwatch_alarm_done(&wanted);
    return changes;
}

static void differences_are_told(void **state)
{
    static const struct owner nobody = {0};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        json_t *changes = changes_of(cases[i].change, &nobody);
        struct buf out;

        buf_init(&out, 10000);
        alarm_diff_print(changes, &out);
        if (strcmp(buf_text(&out), cases[i].difference) != 0) {
            fail_msg("%s: %s", cases[i].name, buf_text(&out));
        }
        buf_done(&out);
        json_decref(changes);
    }
}

static void differences_are_values_for_programs(void **state)
{
    static const struct owner nobody = {0};
    json_t *changes = changes_of(resized, &nobody);
    json_t *expected =
        json_pack("[{s:s, s:f, s:f}, {s:s, s:s, s:s}]", "field", "threshold", "old", 77.6, "new",
                  37.6, "field", "description", "old", "other words", "new", "words");

    (void)state;
    assert_true(json_equal(changes, expected));
    json_decref(changes);
    json_decref(expected);
    changes = changes_of(another_action, &nobody);
    expected =
        json_pack("[{s:s, s:[s], s:[s, s]}]", "field", "actions", "old", BOSS, "new", OPS, BOSS);
    assert_true(json_equal(changes, expected));
    json_decref(changes);
    json_decref(expected);
}

static void a_new_alarm_differs_from_nothing_in_every_field(void **state)
{
    const struct cloudwatch_alarm wanted = the_alarm();
    json_t *changes = json_array();
    size_t index;
    json_t *change;

    (void)state;
    alarm_diff(&wanted, NULL, changes);
    assert_int_equal(json_array_size(changes), 10); /* all but the two empty lists of actions */
    json_array_foreach(changes, index, change)
    {
        const json_t *old = json_object_get(change, "old");

        assert_true(json_is_null(old) || json_array_size(old) == 0);
    }
    json_decref(changes);
}

static void the_metric_tells_staging_from_production(void **state)
{
    static const struct {
        void (*change)(struct cloudwatch_alarm *existing);
        bool same;
    } metric_cases[] = {{nothing, true},           {threshold, true},
                        {dimensions_turned, true}, {dimensions_of_staging, false},
                        {metric_of_rds, false},    {composite, false}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(metric_cases); i++) {
        const struct cloudwatch_alarm wanted = the_alarm();
        struct cloudwatch_alarm existing = the_alarm();

        metric_cases[i].change(&existing);
        assert_int_equal(alarm_same_metric(&wanted, &existing), metric_cases[i].same);
        assert_int_equal(alarm_same_metric(&existing, &wanted), metric_cases[i].same);
    }
}

/* --- What is a person's stays --- */

static void free_actions(char *actions[CLOUDWATCH_ACTIONS_MAX], size_t kept)
{
    for (size_t i = kept; i < CLOUDWATCH_ACTIONS_MAX; i++) {
        free(actions[i]);
    }
}

static void a_person_s_actions_stay(void **state)
{
    static const struct owner nobody = {0};
    struct cloudwatch_alarm wanted = the_alarm(), existing = the_alarm();

    (void)state;
    a_person_s_action(&existing);
    actions_off(&existing);
    alarm_diff_merge(&wanted, &existing, &nobody);
    assert_string_equal(wanted.alarm_actions[0], OPS);
    assert_string_equal(wanted.alarm_actions[1], ME);
    assert_null(wanted.alarm_actions[2]);
    assert_string_equal(wanted.ok_actions[0], ME);
    assert_null(wanted.ok_actions[1]);
    assert_false(wanted.actions_enabled);
    free_actions(wanted.alarm_actions, 1);
    free_actions(wanted.ok_actions, 0);
}

static void there_is_room_for_five(void **state)
{
    static const struct owner nobody = {0};
    struct cloudwatch_alarm wanted = the_alarm(), existing = the_alarm();
    static const char *const theirs[] = {"a", "b", "c", "d", "e"};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(theirs); i++) {
        existing.alarm_actions[i] = text(theirs[i]);
    }
    alarm_diff_merge(&wanted, &existing, &nobody);
    assert_string_equal(wanted.alarm_actions[0], OPS);
    assert_string_equal(wanted.alarm_actions[1], "a");
    assert_string_equal(wanted.alarm_actions[4], "d");
    free_actions(wanted.alarm_actions, 1);
}

/* BOSS was set by us once and is configured no longer; ME never was. */
static void what_we_set_is_taken_back(void **state)
{
    struct cloudwatch_alarm wanted = the_alarm(), existing = the_alarm();
    struct owner owner = {.managed = true};
    const struct config config = {.namespace_ = text("Application")};
    const struct cloudwatch_alarm before = {.alarm_actions = {text(OPS), text(BOSS)}};

    (void)state;
    owner_mark(&config, &before, NULL, owner.mark);
    existing.alarm_actions[0] = text(BOSS);
    existing.alarm_actions[1] = text(ME);
    existing.alarm_actions[2] = text(OPS);
    existing.ok_actions[0] = text(BOSS); /* a person's: it was in the other list that we set it */
    alarm_diff_merge(&wanted, &existing, &owner);
    assert_string_equal(wanted.alarm_actions[0], OPS);
    assert_string_equal(wanted.alarm_actions[1], ME);
    assert_null(wanted.alarm_actions[2]);
    assert_string_equal(wanted.ok_actions[0], BOSS);
    json_t *changes = json_array();
    struct buf out;
    buf_init(&out, 1000);
    alarm_diff(&wanted, &existing, changes);
    alarm_diff_print(changes, &out);
    assert_string_equal(buf_text(&out), "actions: -" BOSS);
    buf_done(&out);
    json_decref(changes);
    free_actions(wanted.alarm_actions, 1);
    free_actions(wanted.ok_actions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_told),
        cmocka_unit_test(differences_are_values_for_programs),
        cmocka_unit_test(a_new_alarm_differs_from_nothing_in_every_field),
        cmocka_unit_test(what_we_set_is_taken_back),
        cmocka_unit_test(the_metric_tells_staging_from_production),
        cmocka_unit_test(a_person_s_actions_stay),
        cmocka_unit_test(there_is_room_for_five),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
