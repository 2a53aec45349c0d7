/* Runs against a small CloudWatch that keeps alarms and tags: what is written, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/provision/provision.h"
#include "aws/common/mem.h"
#include "tests/aws_world.h"

#define ARROW  " \xe2\x86\x92 "
#define ORDERS "[database orders]\nurl = postgresql://app@db/orders\n"
#define POOL   "[pool api]\ntype = statsd\ndatabase = orders\n"
#define HIGH   "rds-high-connections-orders"

struct room {
    struct world w;
    struct credentials_cache *cache;
    struct aws_client *client;
    struct config *config;
    struct provision *provision;
    bool one_shot, dry_run;
    uint64_t put_gap_ms;

    /* CloudWatch. */
    json_t *alarms;      /* name -> alarm as put */
    json_t *tags;        /* name -> [{Key, Value}] */
    struct buf calls;    /* "PutMetricAlarm rds-...\n" */
    const char *denied;  /* an operation that the role may not do */
    const char *refused; /* an alarm whose writing is refused */
    bool silent;         /* never answers */
    int throttled;       /* so many calls of `busy` are */
    const char *busy;    /* PutMetricAlarm when NULL */
    size_t calls_left;   /* counts down to being silent */
    char *answer;

    /* What was told. */
    struct buf lines;
    bool done;
    int runs;
    struct provision_summary summary;
    struct err err;
    bool stop_when_done, closed;
};

static struct room *room;

/* --- A small CloudWatch ----------------------------------------------------------------------- */

#define ARN "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"

static json_t *describe(const json_t *document)
{
    json_t *found = json_array();
    const json_t *names = json_object_get(document, "AlarmNames");

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *alarm = json_copy(json_object_get(room->alarms, name));

        if (alarm) {
            json_object_set_new(alarm, "AlarmArn", json_sprintf(ARN "%s", name));
            json_array_append_new(found, alarm);
        }
    }
    return json_pack("{s:o, s:[]}", "MetricAlarms", found, "CompositeAlarms");
}

static const char *name_of_arn(const json_t *document)
{
    return json_string_value(json_object_get(document, "ResourceARN")) + strlen(ARN);
}

static json_t *put(json_t *document)
{
    const char *name = json_string_value(json_object_get(document, "AlarmName"));
    json_t *tags = json_object_get(document, "Tags");

    if (!json_object_get(room->alarms, name) && tags) {
        json_object_set(room->tags, name, tags);
    }
    json_object_del(document, "Tags");
    json_object_set(room->alarms, name, document);
    return json_object();
}

/* Adds and replaces. */
static void tag(const char *name, const json_t *added)
{
    json_t *tags = json_deep_copy(added);
    const json_t *old = json_object_get(room->tags, name);

    for (size_t i = 0; i < json_array_size(old); i++) {
        const char *key = json_string_value(json_object_get(json_array_get(old, i), "Key"));
        bool replaced = false;

        for (size_t j = 0; j < json_array_size(added); j++) {
            const json_t *other = json_object_get(json_array_get(added, j), "Key");

            replaced = replaced || strcmp(json_string_value(other), key) == 0;
        }
        if (!replaced) {
            json_array_append(tags, json_array_get(old, i));
        }
    }
    json_object_set_new(room->tags, name, tags);
}

static json_t *act(const char *operation, json_t *document)
{
    if (strcmp(operation, "DescribeAlarms") == 0) {
        return describe(document);
    }
    if (strcmp(operation, "PutMetricAlarm") == 0) {
        return put(document);
    }
    if (strcmp(operation, "ListTagsForResource") == 0) {
        json_t *tags = json_object_get(room->tags, name_of_arn(document));

        return json_pack("{s:o}", "Tags", tags ? json_incref(tags) : json_array());
    }
    assert_string_equal(operation, "TagResource");
    tag(name_of_arn(document), json_object_get(document, "Tags"));
    return json_object();
}

static void note_call(const char *operation, const json_t *document)
{
    const char *name = json_string_value(json_object_get(document, "AlarmName"));

    if (json_object_get(document, "ResourceARN")) {
        name = name_of_arn(document);
    }
    buf_printf(&room->calls, "%s%s%s\n", operation, name ? " " : "", name ? name : "");
}

static bool is_refused(const json_t *document)
{
    const char *name = json_string_value(json_object_get(document, "AlarmName"));

    return room->refused && name && strcmp(room->refused, name) == 0;
}

static void on_request(void *arg, const struct server_request *request,
                       struct server_answer *answer)
{
    const char *operation = strchr(server_header(request, "X-Amz-Target"), '.') + 1;
    json_t *document = json_loads(request->body, 0, NULL);

    (void)arg;
    assert_non_null(document);
    note_call(operation, document);
    if (room->throttled > 0 && strcmp(operation, room->busy ? room->busy : "PutMetricAlarm") == 0) {
        room->throttled--;
        answer->status = 400;
        answer->body = "{\"__type\":\"x#ThrottlingException\",\"message\":\"Rate exceeded\"}";
    } else if (room->silent) {
        answer->fate = SERVER_SILENT;
    } else if (room->denied && strcmp(room->denied, operation) == 0) {
        answer->status = 403;
        answer->body = "{\"__type\":\"AccessDeniedException\",\"message\":\"not authorized\"}";
    } else if (is_refused(document)) {
        answer->status = 400;
        answer->body = "{\"__type\":\"ValidationError\",\"message\":\"so not\"}";
    } else {
        json_t *result = act(operation, document);

        free(room->answer);
        room->answer = json_dumps(result, 0);
        answer->body = room->answer;
        json_decref(result);
    }
    if (room->calls_left > 0 && --room->calls_left == 0) {
        room->silent = true;
    }
    json_decref(document);
}

/* --- The provision and its surroundings ------------------------------------------------------- */

static void on_closed(void *arg)
{
    (void)arg;
    room->closed = true;
    room->provision = NULL;
}

static void on_line(void *arg, const struct provision_line *line)
{
    (void)arg;
    assert_non_null(config_database_named(room->config, line->database));
    provision_format_line(line, &room->lines);
    buf_putc(&room->lines, '\n');
}

static void on_done(void *arg, const struct provision_summary *summary, const struct err *err)
{
    (void)arg;
    room->done = true;
    room->runs++;
    room->summary = *summary;
    room->err.code = ERR_NONE;
    if (err) {
        room->err = *err;
    }
    if (room->stop_when_done) {
        provision_stop(room->provision, on_closed, NULL);
    }
}

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

static void stop_provision(void)
{
    if (room->provision) {
        room->closed = false;
        provision_stop(room->provision, on_closed, NULL);
        assert_false(room->closed);
        assert_true(loop_until(&room->w.loop, &room->closed, 1000));
    }
}

static void configure(const char *text)
{
    struct config *config = load(text);
    const struct provision_options options = {.loop = &room->w.loop,
                                              .client = room->client,
                                              .config = config,
                                              .region = "eu-west-1",
                                              .default_region = "eu-west-1",
                                              .dry_run = room->dry_run,
                                              .one_shot = room->one_shot,
                                              .put_gap_ms = room->put_gap_ms,
                                              .on_line = on_line,
                                              .on_done = on_done};

    stop_provision();
    config_free(room->config);
    room->config = config;
    room->provision = provision_new(&options);
}

static const struct config_database *orders(void)
{
    return config_database_named(room->config, "orders");
}

static void wait(void)
{
    room->done = false;
    assert_true(loop_until(&room->w.loop, &room->done, 30000));
}

/* One run of all. What earlier ones said and called is forgotten. */
static void run(void)
{
    buf_clear(&room->lines);
    buf_clear(&room->calls);
    provision_run(room->provision, NULL);
    assert_int_equal(room->calls.len, 0);
    wait();
}

/* The client's own retries do not wait. */
static double at_once(void)
{
    return 0;
}

static int set_up(void **state)
{
    struct err err;

    (void)state;
    room = mem_alloc(sizeof(*room));
    room->one_shot = true;
    room->put_gap_ms = 1;
    room->alarms = json_object();
    room->tags = json_object();
    buf_init(&room->lines, 1000000);
    buf_init(&room->calls, 1000000);
    world_init(&room->w);
    world_set(&room->w, "AWS_ACCESS_KEY_ID", "AKID");
    world_set(&room->w, "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    http_server_on_request(room->w.server, on_request, NULL);
    room->cache = credentials_default_new(&room->w.env, NULL);
    const struct aws_client_options options = {.loop = &room->w.loop,
                                               .http = room->w.http,
                                               .credentials = room->cache,
                                               .region = "eu-west-1",
                                               .endpoint_url = http_server_url(room->w.server),
                                               .env = &room->w.env,
                                               .random = at_once};
    assert_true(aws_client_new(&options, &room->client, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop_provision();
    config_free(room->config);
    aws_client_free(room->client);
    credentials_cache_free(room->cache);
    world_done(&room->w);
    json_decref(room->alarms);
    json_decref(room->tags);
    buf_done(&room->lines);
    buf_done(&room->calls);
    free(room->answer);
    free(room);
    return 0;
}

static void assert_summary(size_t created, size_t changed, size_t in_place, size_t not_ours,
                           size_t failed)
{
    assert_int_equal(room->summary.created, created);
    assert_int_equal(room->summary.changed, changed);
    assert_int_equal(room->summary.in_place, in_place);
    assert_int_equal(room->summary.not_ours, not_ours);
    assert_int_equal(room->summary.failed, failed);
}

static size_t count_calls(const char *call)
{
    size_t count = 0;

    for (const char *at = buf_text(&room->calls); (at = strstr(at, call)) != NULL; at++) {
        count++;
    }
    return count;
}

static bool has_line(const char *line)
{
    return strstr(buf_text(&room->lines), line) != NULL;
}

static json_t *alarm_of(const char *name)
{
    json_t *found = json_object_get(room->alarms, name);

    assert_non_null(found);
    return found;
}

static double threshold_of(const char *name)
{
    return json_number_value(json_object_get(alarm_of(name), "Threshold"));
}

/* The defaults, created by an earlier run. */
static void create_defaults(const char *text)
{
    configure(text);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(4, 0, 0, 0, 0);
}

/* --- Compare, and write the difference --- */

static void the_first_run_creates_and_the_second_changes_nothing(void **state)
{
    (void)state;
    create_defaults("[alarms]\ntag.team = payments\n" ORDERS POOL);
    assert_string_equal(buf_text(&room->lines),
                        "+ rds-high-connections-orders  (DatabaseConnections > 37.6)\n"
                        "+ prisma-pool-timeout-orders  (PoolTimeout > 5)\n"
                        "+ connections-exhausted-orders  (AvailableConnections < 1)\n"
                        "+ monitoring-silent-orders  (DatabaseUp < 1)\n");
    assert_int_equal(room->err.code, ERR_NONE);
    assert_true(threshold_of(HIGH) == 37.6);
    const json_t *tags = json_object_get(room->tags, HIGH);
    assert_int_equal(json_array_size(tags), 3);
    assert_int_equal(count_calls("DescribeAlarms"), 1);
    assert_int_equal(count_calls("PutMetricAlarm"), 4);
    assert_int_equal(count_calls("TagResource"), 0);

    run();
    assert_summary(0, 0, 4, 0, 0);
    assert_string_equal(buf_text(&room->lines),
                        "= rds-high-connections-orders\n= prisma-pool-timeout-orders\n"
                        "= connections-exhausted-orders\n= monitoring-silent-orders\n");
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    assert_int_equal(count_calls("ListTagsForResource"), 4);
}

static void at_most_two_writes_a_second(void **state)
{
    uint64_t start = uv_hrtime();

    (void)state;
    room->put_gap_ms = 0; /* as it is by default */
    create_defaults(ORDERS POOL);
    assert_true(uv_hrtime() - start >= UINT64_C(1490) * 1000000); /* three gaps */
}

static void a_resized_server_moves_the_threshold(void **state)
{
    (void)state;
    create_defaults(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 97);
    run();
    assert_summary(0, 1, 3, 0, 0);
    assert_true(
        has_line("~ rds-high-connections-orders  (threshold: 37.6" ARROW "77.6, description)\n"));
    assert_true(threshold_of(HIGH) == 77.6);
    assert_int_equal(count_calls("PutMetricAlarm"), 1);
}

static void a_dry_run_writes_nothing(void **state)
{
    (void)state;
    room->dry_run = true;
    configure(ORDERS);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(4, 0, 0, 0, 0);
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    assert_int_equal(json_object_size(room->alarms), 0);
    assert_true(has_line("+ rds-high-connections-orders  (DatabaseConnections > 37.6)\n"));
    assert_true(has_line("+ prisma-pool-timeout-orders  (PoolTimeout > 5; "
                         "no pool is configured yet)\n"));
}

static void a_dry_run_tells_a_change(void **state)
{
    (void)state;
    create_defaults(ORDERS POOL);
    room->dry_run = true;
    configure("[alarms]\npool_timeout = 20\n" ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 1, 3, 0, 0);
    assert_true(has_line("~ prisma-pool-timeout-orders  (threshold: 5" ARROW "20, description)\n"));
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    assert_true(threshold_of("prisma-pool-timeout-orders") == 5);
}

static void the_first_pool_turns_the_alarm_from_grey_to_green(void **state)
{
    (void)state;
    create_defaults(ORDERS);
    configure(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 1, 3, 0, 0);
    assert_true(
        has_line("~ prisma-pool-timeout-orders  (missing_data: missing" ARROW "notBreaching)\n"));
}

static void a_person_s_action_survives_a_change(void **state)
{
    (void)state;
    create_defaults("[alarms]\nactions = arn:aws:sns:eu-west-1:123456789012:ops\n" ORDERS POOL);
    json_object_set_new(alarm_of(HIGH), "AlarmActions",
                        json_pack("[ss]", "arn:aws:sns:eu-west-1:123456789012:me",
                                  "arn:aws:sns:eu-west-1:123456789012:ops"));
    json_object_set_new(alarm_of(HIGH), "ActionsEnabled", json_false());
    run();
    assert_summary(0, 0, 4, 0, 0);
    provision_set_limit(room->provision, orders(), 97);
    run();
    assert_summary(0, 1, 3, 0, 0);
    assert_int_equal(json_array_size(json_object_get(alarm_of(HIGH), "AlarmActions")), 2);
    assert_true(json_is_false(json_object_get(alarm_of(HIGH), "ActionsEnabled")));
}

/* --- Actions that we set, and actions that a person added --- */

#define OPS "arn:aws:sns:eu-west-1:123456789012:ops"
#define NEW "arn:aws:sns:eu-west-1:123456789012:new"
#define ME  "arn:aws:sns:eu-west-1:123456789012:me"

static void set_actions(const char *name, json_t *actions)
{
    json_object_set_new(alarm_of(name), "AlarmActions", actions);
}

static bool has_actions(const char *name, json_t *expected)
{
    bool same = json_equal(json_object_get(alarm_of(name), "AlarmActions"), expected);

    json_decref(expected);
    return same;
}

static void rerun(const char *text)
{
    configure(text);
    provision_set_limit(room->provision, orders(), 47);
    run();
}

static void a_threshold_changed_by_hand_is_one_put(void **state)
{
    (void)state;
    create_defaults("[alarms]\nactions = " OPS "\n" ORDERS POOL);
    json_object_set_new(alarm_of(HIGH), "Threshold", json_real(99));
    set_actions(HIGH, json_pack("[ss]", OPS, ME));
    rerun("[alarms]\nactions = " OPS "\n" ORDERS POOL);
    assert_summary(0, 1, 3, 0, 0);
    assert_true(has_line("~ rds-high-connections-orders  (threshold: 99" ARROW "37.6)\n"));
    assert_int_equal(count_calls("PutMetricAlarm"), 1);
    assert_int_equal(count_calls("TagResource"), 0);
    assert_true(has_actions(HIGH, json_pack("[ss]", OPS, ME)));
}

static void an_action_that_is_configured_no_longer_goes_and_a_person_s_stays(void **state)
{
    (void)state;
    create_defaults("[alarms]\nactions = " OPS "\n" ORDERS POOL);
    set_actions(HIGH, json_pack("[ss]", ME, OPS));
    rerun("[alarms]\nactions = " NEW "\n" ORDERS POOL);
    assert_summary(0, 4, 0, 0, 0);
    assert_true(has_line("~ rds-high-connections-orders  (actions: +" NEW " -" OPS ")\n"));
    assert_true(has_actions(HIGH, json_pack("[ss]", NEW, ME)));
    rerun("[alarms]\nactions = " NEW "\n" ORDERS POOL);
    assert_summary(0, 0, 4, 0, 0);
    rerun(ORDERS POOL);
    assert_true(has_actions(HIGH, json_pack("[s]", ME)));
    rerun(ORDERS POOL);
    assert_summary(0, 0, 4, 0, 0);
    assert_int_equal(count_calls("TagResource"), 0);
}

/* Killed between two calls, at each place where that can be, and the configuration changes before
 * the next run: nothing that we set is taken for a person's. */
static void a_run_that_was_broken_off_is_resumed(void **state)
{
    (void)state;
    for (size_t after = 1; after < 12; after++) {
        json_object_clear(room->alarms);
        json_object_clear(room->tags);
        room->put_gap_ms = 1;
        create_defaults("[alarms]\nactions = " OPS "\n" ORDERS POOL);
        set_actions(HIGH, json_pack("[ss]", ME, OPS));
        configure("[alarms]\nactions = " NEW "\ntag.team = payments\n" ORDERS POOL);
        provision_set_limit(room->provision, orders(), 47);
        buf_clear(&room->calls);
        provision_run(room->provision, NULL);
        room->calls_left = after;
        while (!room->silent) {
            loop_for(&room->w.loop, 1);
        }
        stop_provision();
        room->silent = false;
        room->done = false;
        rerun("[alarms]\ntag.team = payments\n" ORDERS POOL);
        assert_true(has_actions(HIGH, json_pack("[s]", ME)));
        assert_true(has_actions("prisma-pool-timeout-orders", json_array()));
        rerun("[alarms]\ntag.team = payments\n" ORDERS POOL);
        assert_summary(0, 0, 4, 0, 0);
    }
}

static void a_configured_tag_is_brought_to_what_exists(void **state)
{
    (void)state;
    create_defaults(ORDERS POOL);
    rerun("[alarms]\ntag.team = payments\n" ORDERS POOL);
    assert_summary(0, 4, 0, 0, 0);
    assert_true(has_line("~ rds-high-connections-orders  (tag.team: none" ARROW "payments)\n"));
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    assert_int_equal(count_calls("TagResource"), 4);
    rerun("[alarms]\ntag.team = payments\n" ORDERS POOL);
    assert_summary(0, 0, 4, 0, 0);
}

/* As versions before the mark made them. */
static void an_alarm_without_a_mark_gets_one(void **state)
{
    (void)state;
    create_defaults("[alarms]\nactions = " OPS "\n" ORDERS POOL);
    json_object_set_new(room->tags, HIGH,
                        json_pack("[{s:s, s:s}]", "Key", "managed-by", "Value", "poolwarden"));
    rerun("[alarms]\nactions = " OPS "\n" ORDERS POOL);
    assert_summary(0, 1, 3, 0, 0);
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    rerun(ORDERS POOL);
    assert_true(has_actions(HIGH, json_array()));
}

/* --- Throttling --- */

static void throttling_slows_down_and_nothing_fails(void **state)
{
    (void)state;
    room->throttled = 9; /* attempts; the client makes three of a call */
    configure(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(4, 0, 0, 0, 0);
    assert_int_equal(room->throttled, 0);
    room->throttled = 5;
    room->busy = "DescribeAlarms";
    run();
    assert_summary(0, 0, 4, 0, 0);
    room->throttled = 7;
    room->busy = "ListTagsForResource";
    run();
    assert_summary(0, 0, 4, 0, 0);
}

static void throttling_without_end_is_a_failure(void **state)
{
    (void)state;
    room->throttled = 1000;
    configure(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 0, 0, 0, 4);
    assert_true(
        has_line("x rds-high-connections-orders  (PutMetricAlarm in eu-west-1: Throttling"));
    room->busy = "DescribeAlarms";
    run();
    assert_int_equal(room->err.code, ERR_THROTTLED);
}

/* --- AWS's own metrics, and pools --- */

#define AURORA                                                                                     \
    "[alarms]\nhigh_connections = off\npool_timeout = off\nconnections_exhausted = off\n"          \
    "monitoring_silent = off\nrds_cpu = 70%\n"                                                     \
    "[database orders]\nurl = postgresql://app@orders.cluster-abc.eu-west-1.rds.amazonaws.com/x\n"
#define CPU "rds-cpu-orders"

static const char *instance_of(const char *name)
{
    const json_t *dimensions = json_object_get(alarm_of(name), "Dimensions");

    return json_string_value(json_object_get(json_array_get(dimensions, 0), "Value"));
}

static void the_alarm_of_an_aurora_instance_follows_a_failover(void **state)
{
    (void)state;
    room->one_shot = false;
    configure(AURORA);
    run();
    assert_summary(0, 0, 0, 0, 0); /* which instance it is has to be told first */
    assert_true(provision_set_instance(room->provision, orders(), "orders-1"));
    run();
    assert_summary(1, 0, 0, 0, 0);
    assert_string_equal(instance_of(CPU), "orders-1");
    assert_false(provision_set_instance(room->provision, orders(), "orders-1"));
    assert_true(provision_set_instance(room->provision, orders(), "orders-2"));
    run();
    assert_summary(0, 1, 0, 0, 0);
    assert_string_equal(instance_of(CPU), "orders-2");
}

static void staging_s_alarm_of_the_same_instance_is_not_ours(void **state)
{
    (void)state;
    configure("[cloudwatch]\nnamespace = Staging\n" AURORA);
    (void)provision_set_instance(room->provision, orders(), "orders-1");
    run();
    assert_summary(1, 0, 0, 0, 0);
    configure(AURORA);
    (void)provision_set_instance(room->provision, orders(), "orders-1");
    run();
    assert_summary(0, 0, 0, 1, 0);
    assert_true(has_line("! rds-cpu-orders  (its tag poolwarden is that of another namespace"));
}

static void each_pool_is_provisioned(void **state)
{
    (void)state;
    configure("[cloudwatch]\nmetrics = standard\n[alarms]\npool_waiting = 5s\n" ORDERS
              "[pool api]\ndatabase = orders\n[pool jobs]\ndatabase = orders\n");
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(6, 0, 0, 0, 0);
    assert_true(has_line("+ pool-waiting-orders-api  (PoolMaxWait > 5)\n"));
    assert_true(has_line("+ pool-waiting-orders-jobs  (PoolMaxWait > 5)\n"));
}

/* --- What is not ours --- */

static void keep_foreign(const char *namespace_, bool tagged)
{
    json_object_set_new(room->alarms, HIGH,
                        json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}], s:s, s:i, s:i, s:f, s:s}", //
                                  "AlarmName", HIGH, "Namespace", namespace_,                 //
                                  "MetricName", "DatabaseConnections", "Dimensions", "Name",  //
                                  "DBInstanceIdentifier", "Value", "orders", "Statistic",
                                  "Average",                                                //
                                  "Period", 300, "EvaluationPeriods", 1, "Threshold", 80.0, //
                                  "ComparisonOperator", "GreaterThanThreshold"));
    if (tagged) {
        json_object_set_new(room->tags, HIGH,
                            json_pack("[{s:s, s:s}]", "Key", "managed-by", "Value", "poolwarden"));
    }
}

static const struct {
    const char *name;
    const char *namespace_;
    bool tagged;
    bool adopt;
    const char *line;
    bool written, tagged_after;
} foreign_cases[] = {
    {"made by hand", "Application", false, false,
     "! rds-high-connections-orders  (it has no tag managed-by=poolwarden; left alone, adopt = yes "
     "takes it over)\n",
     false, false},
    {"made by hand, of AWS's own metric", "AWS/RDS", false, false,
     "! rds-high-connections-orders  (it watches AWS/RDS DatabaseConnections "
     "{DBInstanceIdentifier=orders}; left alone, adopt = yes takes it over)\n",
     false, false},
    {"another installation's", "Staging", true, false,
     "! rds-high-connections-orders  (it watches Staging DatabaseConnections "
     "{DBInstanceIdentifier=orders}; left alone, adopt = yes takes it over)\n",
     false, true},
    {"taken over", "Application", false, true,
     "~ rds-high-connections-orders  (taken over; threshold: 80" ARROW
     "37.6, statistic: Average" ARROW "Maximum, period: 300" ARROW "60, datapoints: 1" ARROW
     "2, evaluation_periods: 1" ARROW "3, description)\n",
     true, true},
    {"taken over with its metric", "AWS/RDS", false, true,
     "~ rds-high-connections-orders  (taken over; watches: AWS/RDS DatabaseConnections "
     "{DBInstanceIdentifier=orders}" ARROW
     "Application DatabaseConnections {DBInstanceIdentifier=orders}, threshold: 80" ARROW "37.6, ",
     true, true},
    {"ours already", "Application", true, true,
     "~ rds-high-connections-orders  (threshold: 80" ARROW "37.6, ", true, true},
};

static void what_is_not_ours_is_left_alone_unless_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(foreign_cases); i++) {
        json_object_clear(room->alarms);
        json_object_clear(room->tags);
        keep_foreign(foreign_cases[i].namespace_, foreign_cases[i].tagged);
        configure(foreign_cases[i].adopt ? "[alarms]\nadopt = yes\n" ORDERS : ORDERS);
        provision_set_limit(room->provision, orders(), 47);
        run();
        if (!has_line(foreign_cases[i].line)) {
            fail_msg("%s: %s", foreign_cases[i].name, buf_text(&room->lines));
        }
        assert_int_equal(count_calls("PutMetricAlarm " HIGH), foreign_cases[i].written);
        assert_int_equal(json_object_get(room->tags, HIGH) != NULL, foreign_cases[i].tagged_after);
        assert_int_equal(room->summary.not_ours, foreign_cases[i].written ? 0 : 1);
        assert_int_equal(room->summary.failed, 0);
    }
}

static void taking_over_what_is_the_same_only_tags(void **state)
{
    (void)state;
    create_defaults(ORDERS POOL);
    json_object_del(room->tags, HIGH);
    configure("[alarms]\nadopt = yes\n" ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 1, 3, 0, 0);
    assert_true(has_line("~ rds-high-connections-orders  (taken over)\n"));
    assert_int_equal(count_calls("PutMetricAlarm"), 0);
    assert_int_equal(count_calls("TagResource " HIGH), 1);
}

/* --- Many --- */

#define MANY 500

static char *many_databases(void)
{
    struct buf text;

    buf_init(&text, (size_t)1 << 20);
    buf_puts(&text, "[alarms]\nhigh_connections = 40\nconnections_exhausted = off\n"
                    "monitoring_silent = off\n");
    for (int i = 0; i < MANY; i++) {
        buf_printf(&text, "[database db%d]\nurl = postgresql://app@db%d/x\n", i, i);
    }
    return buf_take(&text);
}

static void five_hundred_databases_are_one_run_that_can_be_resumed(void **state)
{
    char *text = many_databases();

    (void)state;
    configure(text);
    provision_run(room->provision, NULL);
    room->calls_left = 300;
    while (!room->silent) {
        loop_for(&room->w.loop, 1);
    }
    stop_provision();
    room->silent = false;
    size_t written = json_object_size(room->alarms);

    assert_in_range(written, 200, 299);
    configure(text);
    run();
    assert_summary(2 * MANY - written, 0, written, 0, 0);
    assert_int_equal(count_calls("PutMetricAlarm"), 2 * MANY - written);
    assert_int_equal(count_calls("DescribeAlarms"), 2 * MANY / 100);
    assert_int_equal(json_object_size(room->alarms), 2 * MANY);
    free(text);
}

/* --- Failures --- */

static void one_failure_does_not_stop_the_others(void **state)
{
    (void)state;
    room->refused = "prisma-pool-timeout-orders";
    configure(ORDERS);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(3, 0, 0, 0, 1);
    assert_true(has_line("x prisma-pool-timeout-orders  (PutMetricAlarm in eu-west-1: "));
    assert_true(has_line("+ monitoring-silent-orders"));
    assert_int_equal(room->err.code, ERR_NONE);
}

static void without_a_limit_a_percentage_fails(void **state)
{
    (void)state;
    configure(ORDERS);
    run();
    assert_summary(3, 0, 0, 0, 1);
    assert_true(has_line("x rds-high-connections-orders  (high_connections = 80% needs"));
    assert_int_equal(count_calls("PutMetricAlarm " HIGH), 0);
}

static void one_that_cannot_compare_ends(void **state)
{
    (void)state;
    room->denied = "DescribeAlarms";
    configure(ORDERS);
    run();
    assert_int_equal(room->err.code, ERR_DENIED);
    assert_non_null(strstr(room->err.message, "allow cloudwatch:DescribeAlarms"));
    assert_summary(0, 0, 0, 0, 0);
    assert_int_equal(room->lines.len, 0);
}

static void one_shot_tells_each_alarm_that_was_denied(void **state)
{
    (void)state;
    room->denied = "PutMetricAlarm";
    configure(ORDERS);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 0, 0, 0, 4);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_true(has_line("allow cloudwatch:PutMetricAlarm"));
}

static void unreadable_tags_fail_the_alarm(void **state)
{
    (void)state;
    create_defaults(ORDERS POOL);
    room->denied = "ListTagsForResource";
    provision_set_limit(room->provision, orders(), 97);
    run();
    assert_summary(0, 0, 0, 0, 4);
    assert_true(threshold_of(HIGH) == 37.6);
}

/* --- In the background --- */

static void in_the_background_the_limit_may_come_later(void **state)
{
    (void)state;
    room->one_shot = false;
    configure(ORDERS POOL);
    run();
    assert_summary(3, 0, 0, 0, 0);
    assert_false(has_line(HIGH));
    provision_set_limit(room->provision, orders(), 47);
    provision_run(room->provision, orders());
    wait();
    assert_summary(1, 0, 3, 0, 0);
    assert_true(threshold_of(HIGH) == 37.6);
}

static void in_the_background_a_denial_is_one_error(void **state)
{
    (void)state;
    room->one_shot = false;
    room->denied = "PutMetricAlarm";
    configure(ORDERS);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_summary(0, 0, 0, 0, 4);
    assert_int_equal(room->lines.len, 0);
    assert_int_equal(room->err.code, ERR_DENIED);
    assert_non_null(strstr(room->err.message, "allow cloudwatch:PutMetricAlarm"));
    room->denied = NULL;
    run(); /* does not wait for the backoff */
    assert_summary(4, 0, 0, 0, 0);
    assert_int_equal(room->err.code, ERR_NONE);
}

static void a_failure_is_told_once(void **state)
{
    (void)state;
    room->one_shot = false;
    room->refused = HIGH;
    configure(ORDERS);
    provision_set_limit(room->provision, orders(), 47);
    run();
    assert_true(has_line("x rds-high-connections-orders"));
    run();
    assert_summary(0, 0, 3, 0, 1);
    assert_false(has_line("x "));
    room->refused = NULL;
    run();
    assert_true(has_line("+ rds-high-connections-orders"));
    room->refused = HIGH; /* it worked meanwhile: news again */
    provision_set_limit(room->provision, orders(), 97);
    run();
    assert_true(has_line("x rds-high-connections-orders"));
}

static void what_is_asked_for_during_a_run_follows(void **state)
{
    (void)state;
    room->put_gap_ms = 100;
    room->one_shot = false;
    configure(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    provision_run(room->provision, NULL);
    while (count_calls("PutMetricAlarm") == 0) {
        loop_for(&room->w.loop, 5);
    }
    provision_set_limit(room->provision, orders(), 97);
    provision_run(room->provision, orders());
    provision_run(room->provision, orders());
    wait();
    assert_summary(4, 0, 0, 0, 0);
    wait();
    assert_summary(0, 1, 3, 0, 0);
    assert_true(threshold_of(HIGH) == 77.6);
    loop_for(&room->w.loop, 50);
    assert_int_equal(room->runs, 2);
}

static void databases_of_other_regions_are_others_business(void **state)
{
    (void)state;
    configure(ORDERS "[database far]\nurl = postgresql://app@db2/far\nregion = us-east-1\n"
                     "[database near]\nurl = postgresql://app@db3/near\nregion = eu-central-1\n");
    provision_set_limit(room->provision, orders(), 47);
    provision_set_limit(room->provision, config_database_named(room->config, "far"), 47);
    run();
    assert_summary(4, 0, 0, 0, 0);
    assert_false(has_line("far"));
}

static void nothing_wanted_is_a_run_too(void **state)
{
    (void)state;
    configure("[alarms]\nhigh_connections = off\npool_timeout = off\nconnections_exhausted = off\n"
              "monitoring_silent = off\n" ORDERS);
    run();
    assert_summary(0, 0, 0, 0, 0);
    assert_int_equal(room->err.code, ERR_NONE);
}

/* --- Reload --- */

static void a_reload_keeps_the_limit_and_begins_anew(void **state)
{
    struct config *config = load("[alarms]\nhigh_connections = 50%\n" ORDERS POOL);

    (void)state;
    room->put_gap_ms = 100;
    room->one_shot = false;
    configure(ORDERS POOL);
    provision_set_limit(room->provision, orders(), 47);
    provision_run(room->provision, NULL);
    while (count_calls("PutMetricAlarm") < 2) {
        loop_for(&room->w.loop, 5);
    }
    provision_reconfigure(room->provision, config);
    config_free(room->config);
    room->config = config;
    wait();
    assert_int_equal(room->runs, 1);
    assert_true(threshold_of(HIGH) == 23.5);
    assert_int_equal(json_object_size(room->alarms), 4);
    assert_int_equal(room->summary.failed, 0);
}

static void another_server_of_the_same_name_has_another_limit(void **state)
{
    struct config *config = load("[database orders]\nurl = postgresql://app@db-new/orders\n" POOL);

    (void)state;
    room->one_shot = false;
    create_defaults(ORDERS POOL);
    provision_reconfigure(room->provision, config);
    config_free(room->config);
    room->config = config;
    run();
    assert_summary(0, 0, 3, 0, 0); /* not known: left for later */
    assert_true(threshold_of(HIGH) == 37.6);
}

/* --- The end --- */

static void stopping_in_the_middle(void **state)
{
    (void)state;
    room->silent = true;
    configure(ORDERS);
    provision_run(room->provision, NULL);
    while (count_calls("DescribeAlarms") == 0) {
        loop_for(&room->w.loop, 5);
    }
    stop_provision();
    assert_int_equal(room->runs, 0);
}

static void stopping_while_it_waits(void **state)
{
    (void)state;
    room->put_gap_ms = 100;
    room->one_shot = false;
    room->denied = "DescribeAlarms";
    configure(ORDERS);
    run();
    stop_provision(); /* in the backoff */
    room->denied = NULL;
    configure(ORDERS POOL);
    provision_run(room->provision, NULL);
    while (count_calls("PutMetricAlarm") == 0) {
        loop_for(&room->w.loop, 5);
    }
    loop_for(&room->w.loop, 50);
    stop_provision(); /* between two writes */
    assert_int_equal(room->runs, 1);
}

static void stopping_in_its_own_callback(void **state)
{
    (void)state;
    room->stop_when_done = true;
    configure(ORDERS);
    provision_run(room->provision, NULL);
    assert_true(loop_until(&room->w.loop, &room->closed, 10000));
    assert_int_equal(room->runs, 1);
}

/* --- Backoff --- */

static void backoff_grows_and_is_bounded(void **state)
{
    static const struct {
        int failures;
        double random;
        uint64_t ms;
    } cases[] = {{1, 0, 30000},  {1, 0.5, 45000}, {2, 0, 60000},     {3, 0.5, 180000},
                 {4, 0, 240000}, {5, 0, 450000},  {50, 0.5, 675000}, {1000, 0, 450000}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(provision_backoff_ms(cases[i].failures, cases[i].random), cases[i].ms);
    }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(the_first_run_creates_and_the_second_changes_nothing),
        STORY(at_most_two_writes_a_second),
        STORY(a_resized_server_moves_the_threshold),
        STORY(a_dry_run_writes_nothing),
        STORY(a_dry_run_tells_a_change),
        STORY(the_first_pool_turns_the_alarm_from_grey_to_green),
        STORY(a_person_s_action_survives_a_change),
        STORY(a_threshold_changed_by_hand_is_one_put),
        STORY(an_action_that_is_configured_no_longer_goes_and_a_person_s_stays),
        STORY(a_run_that_was_broken_off_is_resumed),
        STORY(a_configured_tag_is_brought_to_what_exists),
        STORY(an_alarm_without_a_mark_gets_one),
        STORY(throttling_slows_down_and_nothing_fails),
        STORY(throttling_without_end_is_a_failure),
        STORY(the_alarm_of_an_aurora_instance_follows_a_failover),
        STORY(staging_s_alarm_of_the_same_instance_is_not_ours),
        STORY(each_pool_is_provisioned),
        STORY(what_is_not_ours_is_left_alone_unless_asked),
        STORY(taking_over_what_is_the_same_only_tags),
        STORY(five_hundred_databases_are_one_run_that_can_be_resumed),
        STORY(one_failure_does_not_stop_the_others),
        STORY(without_a_limit_a_percentage_fails),
        STORY(one_that_cannot_compare_ends),
        STORY(one_shot_tells_each_alarm_that_was_denied),
        STORY(unreadable_tags_fail_the_alarm),
        STORY(in_the_background_the_limit_may_come_later),
        STORY(in_the_background_a_denial_is_one_error),
        STORY(a_failure_is_told_once),
        STORY(what_is_asked_for_during_a_run_follows),
        STORY(databases_of_other_regions_are_others_business),
        STORY(nothing_wanted_is_a_run_too),
        STORY(a_reload_keeps_the_limit_and_begins_anew),
        STORY(another_server_of_the_same_name_has_another_limit),
        STORY(stopping_in_the_middle),
        STORY(stopping_while_it_waits),
        STORY(stopping_in_its_own_callback),
        cmocka_unit_test(backoff_grows_and_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
