/* CloudWatch's documents as written and read, and the calls in several pages. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cloudwatch.h"
#include "aws/cloudwatch_json.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "tests/aws_world.h"

/* --- Numbers --- */

static void numbers_are_written_as_a_person_would(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-3, "-3"},
        {80, "80"},
        {1000000, "1000000"},
        {9007199254740992.0, "9007199254740992"},
        {37.6, "37.6"},
        {0.1, "0.1"},
        {42.5, "42.5"},
        {-12.25, "-12.25"},
        {0.000123, "0.000123"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3.0, "0.3333333333333333"},
        {5e-324, "4.94065645841247e-324"},
        {1e300, "1e+300"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const double one = 1;
        const struct cloudwatch_datum datum = {.metric = "M",
                                               .unit = "None",
                                               .values = &cases[i].number,
                                               .counts = &one,
                                               .value_count = 1,
                                               .resolution_s = 60};
        char expected[100];
        struct buf out;

        snprintf(expected, sizeof(expected), "\"MetricName\":\"M\",\"Value\":%s,\"Unit\":\"None\"",
                 cases[i].text);
        buf_init(&out, 1000);
        cloudwatch_encode_datum(&datum, &out);
        assert_string_equal(buf_text(&out), expected);
        assert_true(strtod(cases[i].text, NULL) == cases[i].number);
        buf_done(&out);
    }
}

/* --- Datums --- */

static const struct cloudwatch_dimension two_dimensions[] = {
    {"DBInstanceIdentifier", "orders-prod-1"}, {"Environment", "production"}};

static const struct datum_case {
    const char *name;
    struct cloudwatch_datum datum;
    const char *members;
} datum_cases[] = {
    {"one value",
     {.metric = "DatabaseConnections",
      .unit = "Count",
      .dimensions = two_dimensions,
      .dimension_count = 2,
      .values = (const double[]){42},
      .counts = (const double[]){1},
      .value_count = 1,
      .resolution_s = 60},
     "\"MetricName\":\"DatabaseConnections\",\"Dimensions\":[{\"Name\":\"DBInstanceIdentifier\","
     "\"Value\":\"orders-prod-1\"},{\"Name\":\"Environment\",\"Value\":\"production\"}],"
     "\"Value\":42,\"Unit\":\"Count\""},
    {"one value, several times",
     {.metric = "M",
      .unit = "None",
      .values = (const double[]){1},
      .counts = (const double[]){60},
      .value_count = 1,
      .resolution_s = 60},
     "\"MetricName\":\"M\",\"Values\":[1],\"Counts\":[60],\"Unit\":\"None\""},
    {"several values, each second",
     {.metric = "ConnectionUtilization",
      .unit = "Percent",
      .dimensions = two_dimensions,
      .dimension_count = 1,
      .values = (const double[]){10, 11, 12.5},
      .counts = (const double[]){3, 5, 1},
      .value_count = 3,
      .resolution_s = 1},
     "\"MetricName\":\"ConnectionUtilization\",\"Dimensions\":[{\"Name\":\"DBInstanceIdentifier\","
     "\"Value\":\"orders-prod-1\"}],\"Values\":[10,11,12.5],\"Counts\":[3,5,1],"
     "\"Unit\":\"Percent\",\"StorageResolution\":1"},
    {"what is no number is left out",
     {.metric = "M",
      .unit = "None",
      .values = (const double[]){NAN, 2, INFINITY, 4, 5},
      .counts = (const double[]){1, 2, 3, 4, NAN},
      .value_count = 5,
      .resolution_s = 60},
     "\"MetricName\":\"M\",\"Values\":[2,4],\"Counts\":[2,4],\"Unit\":\"None\""},
    {"text is escaped",
     {.metric = "a\"b\\c\n\x01\xc3\xa9/",
      .unit = "None",
      .values = (const double[]){1},
      .counts = (const double[]){1},
      .value_count = 1,
      .resolution_s = 60},
     "\"MetricName\":\"a\\u0022b\\u005cc\\u000a\\u0001\xc3\xa9/\",\"Value\":1,\"Unit\":\"None\""},
};

static void datums_are_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(datum_cases); i++) {
        struct buf out;

        buf_init(&out, 10000);
        cloudwatch_encode_datum(&datum_cases[i].datum, &out);
        if (strcmp(buf_text(&out), datum_cases[i].members) != 0) {
            fail_msg("%s: %s", datum_cases[i].name, buf_text(&out));
        }
        buf_done(&out);
    }
}

static void escaped_text_reads_back(void **state)
{
    static const char name[] = "a\"b\\c\n\x01\xc3\xa9/";
    const double one = 1;
    const struct cloudwatch_datum datum = {
        .metric = name, .unit = "None", .values = &one, .counts = &one, .value_count = 1};
    struct buf out;
    struct err err;
    json_t *read;

    (void)state;
    buf_init(&out, 1000);
    buf_putc(&out, '{');
    cloudwatch_encode_datum(&datum, &out);
    buf_putc(&out, '}');
    assert_true(json_parse(buf_text(&out), out.len, &read, &err));
    assert_string_equal(json_text_of(read, "MetricName"), name);
    json_decref(read);
    buf_done(&out);
}

static void a_body_has_the_size_that_was_told(void **state)
{
    static const struct cloudwatch_entry entries[] = {
        {1786797330, "\"MetricName\":\"A\",\"Value\":1"},
        {0, "\"MetricName\":\"B\",\"Value\":2"},
        {-5, "\"MetricName\":\"C\",\"Value\":3"},
    };
    static const char expected[] = "{\"Namespace\":\"Pool\\u0022s\",\"MetricData\":["
                                   "{\"Timestamp\":1786797330,\"MetricName\":\"A\",\"Value\":1},"
                                   "{\"Timestamp\":0,\"MetricName\":\"B\",\"Value\":2},"
                                   "{\"Timestamp\":-5,\"MetricName\":\"C\",\"Value\":3}]}";
    size_t size = cloudwatch_put_overhead("Pool\"s");
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    cloudwatch_write_body("Pool\"s", entries, MEM_COUNT(entries), &out);
    assert_string_equal(buf_text(&out), expected);
    for (size_t i = 0; i < MEM_COUNT(entries); i++) {
        size += cloudwatch_entry_size(&entries[i]);
    }
    assert_int_equal(size, out.len + 1); /* the last one has no comma */
    buf_done(&out);
}

/* --- Alarms, written --- */

static struct cloudwatch_alarm wanted_alarm(void)
{
    struct cloudwatch_alarm alarm = {
        .name = mem_strdup("rds-high-connections-orders"),
        .arn = mem_strdup("arn:not-sent"),
        .description = mem_strdup("80 % of 97"),
        .namespace_ = mem_strdup("Application"),
        .metric = mem_strdup("DatabaseConnections"),
        .dimensions = mem_alloc(sizeof(struct cloudwatch_dimension)),
        .dimension_count = 1,
        .statistic = mem_strdup("Maximum"),
        .period_s = 60,
        .evaluation_periods = 3,
        .datapoints = 2,
        .threshold = 77.6,
        .comparison = mem_strdup("GreaterThanThreshold"),
        .missing_data = mem_strdup("missing"),
        .actions_enabled = true,
        .alarm_actions = {mem_strdup("arn:aws:sns:eu-west-1:1:ops"), mem_strdup("arn:2")},
        .state = mem_strdup("not sent"),
    };

    alarm.dimensions[0] =
        (struct cloudwatch_dimension){mem_strdup("DBInstanceIdentifier"), mem_strdup("orders")};
    return alarm;
}

static void an_alarm_is_written(void **state)
{
    static const struct cloudwatch_tag tags[] = {{"managed-by", "poolwarden"}};
    struct cloudwatch_alarm alarm = wanted_alarm();
    char *text = cloudwatch_alarm_to_json(&alarm, tags, 1);

    (void)state;
    assert_string_equal(
        text,
        "{\"AlarmName\":\"rds-high-connections-orders\",\"AlarmDescription\":\"80 % of 97\","
        "\"Namespace\":\"Application\",\"MetricName\":\"DatabaseConnections\","
        "\"Dimensions\":[{\"Name\":\"DBInstanceIdentifier\",\"Value\":\"orders\"}],"
        "\"Statistic\":\"Maximum\",\"Period\":60,\"EvaluationPeriods\":3,\"DatapointsToAlarm\":2,"
        "\"Threshold\":77.6,\"ComparisonOperator\":\"GreaterThanThreshold\","
        "\"TreatMissingData\":\"missing\",\"ActionsEnabled\":true,"
        "\"AlarmActions\":[\"arn:aws:sns:eu-west-1:1:ops\",\"arn:2\"],\"OKActions\":[],"
        "\"InsufficientDataActions\":[],\"Tags\":[{\"Key\":\"managed-by\","
        "\"Value\":\"poolwarden\"}]}");
    free(text);
    cloudwatch_alarm_done(&alarm);
    cloudwatch_alarm_done(&alarm); /* it is empty now */
}

static void what_is_absent_is_not_written(void **state)
{
    struct cloudwatch_alarm alarm = wanted_alarm();
    struct err err;
    json_t *read;

    (void)state;
    free(alarm.description);
    free(alarm.missing_data);
    alarm.description = alarm.missing_data = NULL;
    alarm.datapoints = 0;
    alarm.threshold = 80;
    alarm.actions_enabled = false;
    char *text = cloudwatch_alarm_to_json(&alarm, NULL, 0);
    assert_non_null(strstr(text, "\"Threshold\":80,"));
    assert_true(json_parse(text, strlen(text), &read, &err));
    assert_null(json_object_get(read, "AlarmDescription"));
    assert_null(json_object_get(read, "TreatMissingData"));
    assert_null(json_object_get(read, "Tags"));
    assert_true(json_is_false(json_object_get(read, "ActionsEnabled")));
    assert_int_equal(json_integer_value(json_object_get(read, "DatapointsToAlarm")), 3);
    json_decref(read);
    free(text);
    cloudwatch_alarm_done(&alarm);
}

/* Leaks would show here: json_pack() gives up half-way. */
static void an_alarm_that_can_not_be_written_is_not(void **state)
{
    static const struct cloudwatch_tag bad_tags[] = {{"good", "good"}, {"bad", "\xff"}};
    struct cloudwatch_alarm alarm = wanted_alarm();

    (void)state;
    assert_null(cloudwatch_alarm_to_json(&alarm, bad_tags, 2));
    alarm.threshold = NAN;
    assert_null(cloudwatch_alarm_to_json(&alarm, bad_tags, 1));
    alarm.threshold = 1;
    free(alarm.alarm_actions[1]);
    alarm.alarm_actions[1] = mem_strdup("\xc3(");
    assert_null(cloudwatch_alarm_to_json(&alarm, bad_tags, 1));
    alarm.alarm_actions[1][0] = '\0';
    alarm.name[0] = '\xff';
    assert_null(cloudwatch_alarm_to_json(&alarm, bad_tags, 1));
    cloudwatch_alarm_done(&alarm);
}

/* --- Alarms, read --- */

static bool read_alarms(const char *page, struct cloudwatch_alarms *alarms, struct err *err)
{
    json_t *document;

    assert_true(json_parse(page, strlen(page), &document, err));
    bool good = cloudwatch_alarms_read(document, alarms, err);
    json_decref(document);
    return good;
}

static void a_full_alarm_is_read(void **state)
{
    struct cloudwatch_alarms alarms = {0};
    struct err err;

    (void)state;
    assert_true(read_alarms(
        "{\"CompositeAlarms\":[],\"MetricAlarms\":[{\"AlarmName\":\"a\",\"AlarmArn\":\"arn:a\","
        "\"AlarmDescription\":\"d\",\"AlarmConfigurationUpdatedTimestamp\":1786797330.024,"
        "\"ActionsEnabled\":false,\"OKActions\":[\"ok\"],\"AlarmActions\":[\"one\",\"two\"],"
        "\"InsufficientDataActions\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"],\"StateValue\":\"OK\","
        "\"MetricName\":\"m\",\"Namespace\":\"n\",\"Statistic\":\"Maximum\","
        "\"Dimensions\":[{\"Name\":\"x\",\"Value\":\"y\"}],\"Period\":60,\"EvaluationPeriods\":5,"
        "\"DatapointsToAlarm\":3,\"Threshold\":80.5,\"ComparisonOperator\":"
        "\"GreaterThanThreshold\","
        "\"TreatMissingData\":\"breaching\",\"FromTheFuture\":{\"a\":[1]}}]}",
        &alarms, &err));
    assert_int_equal(alarms.count, 1);
    const struct cloudwatch_alarm *alarm = &alarms.list[0];
    assert_string_equal(alarm->name, "a");
    assert_string_equal(alarm->arn, "arn:a");
    assert_string_equal(alarm->description, "d");
    assert_string_equal(alarm->namespace_, "n");
    assert_string_equal(alarm->metric, "m");
    assert_int_equal(alarm->dimension_count, 1);
    assert_string_equal(alarm->dimensions[0].name, "x");
    assert_string_equal(alarm->dimensions[0].value, "y");
    assert_string_equal(alarm->statistic, "Maximum");
    assert_int_equal(alarm->period_s, 60);
    assert_int_equal(alarm->evaluation_periods, 5);
    assert_int_equal(alarm->datapoints, 3);
    assert_true(alarm->threshold == 80.5);
    assert_string_equal(alarm->comparison, "GreaterThanThreshold");
    assert_string_equal(alarm->missing_data, "breaching");
    assert_false(alarm->actions_enabled);
    assert_string_equal(alarm->alarm_actions[0], "one");
    assert_string_equal(alarm->alarm_actions[1], "two");
    assert_null(alarm->alarm_actions[2]);
    assert_string_equal(alarm->ok_actions[0], "ok");
    assert_string_equal(alarm->insufficient_data_actions[4], "5");
    assert_string_equal(alarm->state, "OK");
    cloudwatch_alarms_truncate(&alarms, 0);
}

static void what_is_absent_means_its_default(void **state)
{
    struct cloudwatch_alarms alarms = {0};
    struct err err;

    (void)state;
    assert_true(read_alarms("{\"MetricAlarms\":[{\"AlarmName\":\"math\",\"AlarmArn\":\"arn\","
                            "\"EvaluationPeriods\":3,\"Metrics\":[{\"Id\":\"m\"}],"
                            "\"Period\":1e300,\"Dimensions\":null}],"
                            "\"CompositeAlarms\":[{\"AlarmName\":\"both\",\"AlarmArn\":\"arn\","
                            "\"AlarmRule\":\"ALARM(a)\"}]}",
                            &alarms, &err));
    assert_int_equal(alarms.count, 2);
    assert_null(alarms.list[0].statistic);
    assert_null(alarms.list[0].metric);
    assert_int_equal(alarms.list[0].datapoints, 3);
    assert_int_equal(alarms.list[0].period_s, 0);
    assert_string_equal(alarms.list[0].missing_data, "missing");
    assert_true(alarms.list[0].actions_enabled);
    assert_string_equal(alarms.list[1].name, "both");
    assert_null(alarms.list[1].statistic);
    cloudwatch_alarms_truncate(&alarms, 1);
    assert_int_equal(alarms.count, 1);
    cloudwatch_alarms_truncate(&alarms, 0);
}

#define HALF_A_DIMENSION                                                                           \
    "{\"MetricAlarms\":[{\"AlarmName\":\"a\",\"AlarmArn\":\"arn\",\"Dimensions\":"                 \
    "[{\"Name\":\"x\",\"Value\":\"y\"},{\"Name\":\"x\"}]}]}"

static void pages_that_are_none_are_refused(void **state)
{
    static const char *const pages[] = {
        "{\"MetricAlarms\":{}}",
        "{\"MetricAlarms\":[{}]}",
        "{\"MetricAlarms\":[1]}",
        "{\"MetricAlarms\":[{\"AlarmName\":1,\"AlarmArn\":\"arn\"}]}",
        "{\"CompositeAlarms\":[{\"AlarmName\":\"a\"}]}",
        "{\"MetricAlarms\":[{\"AlarmName\":\"a\",\"AlarmArn\":\"arn\",\"Dimensions\":[{}]}]}",
        HALF_A_DIMENSION,
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(pages); i++) {
        struct cloudwatch_alarms alarms = {0};
        struct err err = {.code = ERR_NONE};

        if (read_alarms(pages[i], &alarms, &err)) {
            fail_msg("taken: %s", pages[i]);
        }
        assert_int_equal(err.code, ERR_PARSE);
        cloudwatch_alarms_truncate(&alarms, 0);
    }
}

/* What we put and read back is the same: nothing would be changed on the next run. */
static void an_alarm_survives_the_way_there_and_back(void **state)
{
    struct cloudwatch_alarm alarm = wanted_alarm();
    struct cloudwatch_alarms alarms = {0};
    char page[2000];
    struct err err;

    (void)state;
    alarm.threshold = 0.8 * 97; /* not 77.6 */
    char *text = cloudwatch_alarm_to_json(&alarm, NULL, 0);
    snprintf(page, sizeof(page), "{\"MetricAlarms\":[{\"AlarmArn\":\"arn\",%s]}", text + 1);
    assert_true(read_alarms(page, &alarms, &err));
    assert_true(alarms.list[0].threshold == alarm.threshold);
    char *again = cloudwatch_alarm_to_json(&alarms.list[0], NULL, 0);
    assert_string_equal(again, text);
    free(text);
    free(again);
    cloudwatch_alarms_truncate(&alarms, 0);
    cloudwatch_alarm_done(&alarm);
}

/* --- Calls --- */

struct room {
    struct world w;
    struct credentials_cache *cache;
    struct aws_client *client;
    bool sending;
    bool finished;
    int calls_over;
    struct err err;
    char *names; /* of alarms, or tags, each followed by a blank */
    void (*then)(struct room *room);
};

static int set_up(void **state)
{
    struct room *room = mem_alloc(sizeof(*room));
    struct err err;

    world_init(&room->w);
    world_set(&room->w, "AWS_ACCESS_KEY_ID", "AKID");
    world_set(&room->w, "AWS_SECRET_ACCESS_KEY", "secret");
    world_set(&room->w, "AWS_ENDPOINT_URL_CLOUDWATCH", http_server_url(room->w.server));
    room->cache = credentials_cache_new(&room->w.loop, environment_provider_new(&room->w.env));
    const struct aws_client_options options = {.loop = &room->w.loop,
                                               .http = room->w.http,
                                               .credentials = room->cache,
                                               .region = "eu-west-1",
                                               .env = &room->w.env};
    assert_true(aws_client_new(&options, &room->client, &err));
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    aws_client_free(room->client);
    credentials_cache_free(room->cache);
    world_done(&room->w);
    free(room->names);
    free(room);
    return 0;
}

static void finish(struct room *room, const struct err *err, struct buf *names)
{
    assert_false(room->sending);
    free(room->names);
    room->names = buf_take(names);
    room->err = err ? *err : (struct err){.code = ERR_NONE};
    room->calls_over++;
    room->finished = true;
    if (room->then) {
        room->then(room);
    }
}

static void on_done(void *arg, const struct aws_answer *answer, const struct err *err,
                    const struct aws_failure *failure)
{
    struct buf none;

    (void)failure;
    assert_true((answer != NULL) != (err != NULL));
    buf_init(&none, 1);
    finish(arg, err, &none);
}

static void on_alarms(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                      const struct err *err)
{
    struct buf names;

    assert_true(!err || count == 0);
    buf_init(&names, 100000);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&names, "%s ", alarms[i].name);
    }
    finish(arg, err, &names);
}

static void on_tags(void *arg, const struct cloudwatch_tag *tags, size_t count,
                    const struct err *err)
{
    struct buf names;

    assert_true(!err || count == 0);
    buf_init(&names, 100000);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&names, "%s=%s ", tags[i].key, tags[i].value);
    }
    finish(arg, err, &names);
}

static void wait_for_end(struct room *room)
{
    int before = room->calls_over;

    room->finished = false;
    assert_true(loop_until(&room->w.loop, &room->finished, 5000));
    assert_int_equal(room->calls_over, before + 1);
}

static json_t *body_at(const struct room *room, size_t index, const char *operation)
{
    const struct server_request *request = http_server_request(room->w.server, index);
    char target[200];
    struct err err;
    json_t *body;

    snprintf(target, sizeof(target), "GraniteServiceVersion20100801.%s", operation);
    assert_string_equal(server_header(request, "X-Amz-Target"), target);
    assert_true(json_parse(request->body, request->body_len, &body, &err));
    return body;
}

static void assert_body(const struct room *room, size_t index, const char *operation,
                        const char *expected)
{
    json_t *body = body_at(room, index, operation);
    char *text = json_encode(body);

    assert_string_equal(text, expected);
    free(text);
    json_decref(body);
}

static void datums_are_put_in_one_attempt(void **state)
{
    static const struct server_answer answers[] = {{.body = ""}, {.status = 500}};
    static const struct cloudwatch_entry entry = {1786797330, "\"MetricName\":\"A\",\"Value\":1"};
    struct room *room = *state;

    http_server_script(room->w.server, answers, 2);
    cloudwatch_put_metric_data(room->client, "Application", &entry, 1, on_done, room);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_body(room, 0, "PutMetricData",
                "{\"Namespace\":\"Application\",\"MetricData\":[{\"Timestamp\":1786797330,"
                "\"MetricName\":\"A\",\"Value\":1}]}");

    cloudwatch_put_metric_data(room->client, "Application", &entry, 1, on_done, room);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NET);
    assert_int_equal(http_server_count(room->w.server), 2);
}

static void many_datums_are_compressed(void **state)
{
    static const struct server_answer answers[] = {{.body = "{}"}};
    struct cloudwatch_entry entries[CLOUDWATCH_DATUMS_MAX];
    struct room *room = *state;

    for (size_t i = 0; i < MEM_COUNT(entries); i++) {
        entries[i] = (struct cloudwatch_entry){1786797330, "\"MetricName\":\"A\",\"Value\":1"};
    }
    http_server_script(room->w.server, answers, 1);
    cloudwatch_put_metric_data(room->client, "Application", entries, MEM_COUNT(entries), on_done,
                               room);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    const struct server_request *request = http_server_request(room->w.server, 0);
    assert_string_equal(server_header(request, "Content-Encoding"), "gzip");
    assert_true(request->body_len < 5000);
}

static void an_alarm_is_put(void **state)
{
    static const struct server_answer answers[] = {{.body = "{}"}};
    struct cloudwatch_alarm alarm = wanted_alarm();
    struct room *room = *state;

    http_server_script(room->w.server, answers, 1);
    cloudwatch_put_metric_alarm(room->client, &alarm, NULL, 0, on_done, room);
    char *expected = cloudwatch_alarm_to_json(&alarm, NULL, 0);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    const struct server_request *request = http_server_request(room->w.server, 0);
    assert_string_equal(request->body, expected);
    assert_string_equal(server_header(request, "X-Amz-Target"),
                        "GraniteServiceVersion20100801.PutMetricAlarm");

    alarm.name[0] = '\xff';
    cloudwatch_put_metric_alarm(room->client, &alarm, NULL, 0, on_done, room);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_REJECTED);
    assert_int_equal(http_server_count(room->w.server), 1);
    free(expected);
    cloudwatch_alarm_done(&alarm);
}

static void tags_are_listed_and_set(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"Tags\":[{\"Key\":\"a\",\"Value\":\"1\"},{\"Key\":\"b\",\"Value\":\"\"}]}"},
        {.body = "{\"Tags\":[]}"},
        {.body = "{\"Tags\":[{\"Key\":\"a\"}]}"},
        {.body = "{}"},
        {.status = 404, .body = "{\"__type\":\"ResourceNotFoundException\"}"},
        {.body = "{}"},
    };
    static const struct {
        enum err_code err;
        const char *names;
    } expected[] = {{ERR_NONE, "a=1 b= "},
                    {ERR_NONE, ""},
                    {ERR_PARSE, ""},
                    {ERR_PARSE, ""},
                    {ERR_REJECTED, ""}};
    static const struct cloudwatch_tag tags[] = {{"a", "1"}};
    struct room *room = *state;

    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    for (size_t i = 0; i < MEM_COUNT(expected); i++) {
        cloudwatch_list_tags(room->client, "arn:x", on_tags, room);
        wait_for_end(room);
        assert_int_equal(room->err.code, expected[i].err);
        assert_string_equal(room->names, expected[i].names);
        assert_body(room, i, "ListTagsForResource", "{\"ResourceARN\":\"arn:x\"}");
    }
    cloudwatch_tag_resource(room->client, "arn:x", tags, 1, on_done, room);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_body(room, 5, "TagResource",
                "{\"ResourceARN\":\"arn:x\",\"Tags\":[{\"Key\":\"a\",\"Value\":\"1\"}]}");

    cloudwatch_tags_cancel(cloudwatch_list_tags(room->client, "arn:x", on_tags, room));
    loop_for(&room->w.loop, 20);
    assert_int_equal(room->calls_over, 6);
}

/* --- Alarms in pages --- */

#define ALARM(name) "{\"AlarmName\":\"" name "\",\"AlarmArn\":\"arn:" name "\"}"
#define TYPES       "\"AlarmTypes\":[\"MetricAlarm\",\"CompositeAlarm\"],\"MaxRecords\":100"

static void describe(struct room *room, size_t count)
{
    char text[300][24];
    const char *names[300];

    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], sizeof(text[i]), "n%zu", i);
        names[i] = text[i];
    }
    room->sending = true;
    cloudwatch_describe_alarms(room->client, names, count, on_alarms, room);
    room->sending = false;
}

static void pages_are_read_to_the_end(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"MetricAlarms\":[" ALARM("n0") "],\"NextToken\":\"T=1\"}"},
        {.body = "{\"MetricAlarms\":[],\"CompositeAlarms\":[" ALARM("n1") "]}"},
    };
    struct room *room = *state;

    http_server_script(room->w.server, answers, 2);
    describe(room, 2);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_string_equal(room->names, "n0 n1 ");
    assert_body(room, 0, "DescribeAlarms", "{\"AlarmNames\":[\"n0\",\"n1\"]," TYPES "}");
    assert_body(room, 1, "DescribeAlarms",
                "{\"AlarmNames\":[\"n0\",\"n1\"]," TYPES ",\"NextToken\":\"T=1\"}");
}

static void names_go_in_groups_of_a_hundred(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"MetricAlarms\":[" ALARM("n7") "]}"},
        {.body = "{\"MetricAlarms\":[" ALARM("n100") "," ALARM("n199") "]}"},
        {.body = "{\"MetricAlarms\":[" ALARM("n200") "]}"},
    };
    static const size_t sizes[] = {100, 100, 1};
    struct room *room = *state;

    http_server_script(room->w.server, answers, 3);
    describe(room, 201);
    wait_for_end(room);
    assert_string_equal(room->names, "n7 n100 n199 n200 ");
    assert_int_equal(http_server_count(room->w.server), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *body = body_at(room, i, "DescribeAlarms");

        assert_int_equal(json_array_size(json_object_get(body, "AlarmNames")), sizes[i]);
        json_decref(body);
    }

    /* A hundred are one group. */
    http_server_forget(room->w.server);
    http_server_script(room->w.server, answers, 1);
    describe(room, 100);
    wait_for_end(room);
    assert_int_equal(http_server_count(room->w.server), 1);
}

static void no_names_are_no_request(void **state)
{
    struct room *room = *state;

    describe(room, 0);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_string_equal(room->names, "");
    assert_int_equal(http_server_count(room->w.server), 0);
}

#define BAD_TOKEN                                                                                  \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"x#InvalidNextToken\"}"                               \
    }

static void a_refused_token_begins_its_group_again(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"MetricAlarms\":[" ALARM("n0") "]}"},
        {.body = "{\"MetricAlarms\":[" ALARM("n100") "],\"NextToken\":\"T\"}"},
        BAD_TOKEN,
        {.body = "{\"MetricAlarms\":[" ALARM("n100") "],\"NextToken\":\"U\"}"},
        {.body = "{\"MetricAlarms\":[" ALARM("n101") "]}"},
    };
    struct room *room = *state;

    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    describe(room, 102);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_string_equal(room->names, "n0 n100 n101 ");
}

static void a_token_refused_twice_is_an_error(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"NextToken\":\"T\"}"}, BAD_TOKEN, {.body = "{\"NextToken\":\"T\"}"}, BAD_TOKEN};
    struct room *room = *state;

    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    describe(room, 1);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_REJECTED);
    assert_int_equal(http_server_count(room->w.server), 4);
}

static void on_endless(void *arg, const struct server_request *request,
                       struct server_answer *answer)
{
    (void)arg;
    (void)request;
    answer->body = "{\"MetricAlarms\":[],\"NextToken\":\"again\"}";
}

static void pages_without_end_are_an_error(void **state)
{
    struct room *room = *state;

    http_server_on_request(room->w.server, on_endless, NULL);
    describe(room, 1);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_PARSE);
    assert_int_equal(http_server_count(room->w.server), 100);
}

static void a_bad_page_is_an_error(void **state)
{
    static const struct server_answer answers[] = {{.body = "{\"MetricAlarms\":[{}]}"}};
    struct room *room = *state;

    http_server_script(room->w.server, answers, 1);
    describe(room, 1);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_PARSE);
    assert_string_equal(room->err.message, "DescribeAlarms in eu-west-1: an alarm lacks its name,"
                                           " its ARN or a part of a dimension");
}

static void no_word_after_cancelling(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT}};
    static const char *const names[] = {"a"};
    struct room *room = *state;

    cloudwatch_describe_cancel(cloudwatch_describe_alarms(room->client, names, 1, on_alarms, room));
    cloudwatch_describe_cancel(cloudwatch_describe_alarms(room->client, names, 0, on_alarms, room));
    http_server_script(room->w.server, answers, 1);
    struct cloudwatch_describe *under_way =
        cloudwatch_describe_alarms(room->client, names, 1, on_alarms, room);
    loop_for(&room->w.loop, 50);
    assert_int_equal(http_server_count(room->w.server), 1);
    cloudwatch_describe_cancel(under_way);
    loop_for(&room->w.loop, 20);
    assert_int_equal(room->calls_over, 0);
}

static void free_client(struct room *room)
{
    aws_client_free(room->client);
    room->client = NULL;
}

static void done_may_free_the_client(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"MetricAlarms\":[" ALARM("n0") "]}"}};
    struct room *room = *state;

    http_server_script(room->w.server, answers, 1);
    room->then = free_client;
    describe(room, 1);
    wait_for_end(room);
    assert_string_equal(room->names, "n0 ");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_a_person_would),
        cmocka_unit_test(datums_are_written),
        cmocka_unit_test(escaped_text_reads_back),
        cmocka_unit_test(a_body_has_the_size_that_was_told),
        cmocka_unit_test(an_alarm_is_written),
        cmocka_unit_test(what_is_absent_is_not_written),
        cmocka_unit_test(an_alarm_that_can_not_be_written_is_not),
        cmocka_unit_test(a_full_alarm_is_read),
        cmocka_unit_test(what_is_absent_means_its_default),
        cmocka_unit_test(pages_that_are_none_are_refused),
        cmocka_unit_test(an_alarm_survives_the_way_there_and_back),
        STORY(datums_are_put_in_one_attempt),
        STORY(many_datums_are_compressed),
        STORY(an_alarm_is_put),
        STORY(tags_are_listed_and_set),
        STORY(pages_are_read_to_the_end),
        STORY(names_go_in_groups_of_a_hundred),
        STORY(no_names_are_no_request),
        STORY(a_refused_token_begins_its_group_again),
        STORY(a_token_refused_twice_is_an_error),
        STORY(pages_without_end_are_an_error),
        STORY(a_bad_page_is_an_error),
        STORY(no_word_after_cancelling),
        STORY(done_may_free_the_client),
    };

    return cmocka_run_group_tests_name("cloudwatch", tests, NULL, NULL);
}
