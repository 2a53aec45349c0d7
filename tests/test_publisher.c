/* The publisher against a server that takes, refuses, fails, lies and vanishes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/log.h"
#include "agent/publish/publisher.h"
#include "aws/common/mem.h"
#include "aws/time.h"
#include "tests/aws_world.h"

/* --- The log: what was said, line by line ----------------------------------------------------- */

static struct buf log_lines;

void log_at(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (level != LOG_DEBUG) {
        buf_printf(&log_lines, "%s: %s\n", names[level], line);
    }
}

static size_t count_lines(const char *containing)
{
    size_t count = 0;

    for (const char *at = buf_text(&log_lines); (at = strstr(at, containing)) != NULL; at++) {
        count++;
    }
    return count;
}

/* --- A CloudWatch, small ---------------------------------------------------------------------- */

#define DATUMS_MAX 4000

struct room {
    struct world w;
    struct credentials_cache *cache;
    struct aws_client *client;
    struct spool *spool;
    struct publisher *publisher;
    double jitter;

    /* How the service behaves. */
    bool refuses_all;
    size_t largest; /* request in datums; 0: any */
    char answer_body[512];

    /* What it has seen. */
    size_t sizes[400]; /* datums of each request */
    size_t requests;
    size_t seen[DATUMS_MAX]; /* how often each datum was accepted, by the number in its name */
    json_int_t timestamps[400];

    /* What the publisher said. */
    bool sent;
    int sent_count;
    bool stop_when_sent;
    bool closed;
    bool kicking;
    size_t dry_datums;
    size_t ambiguous;
};

static struct room *room;

/* "M12" gives 12; "Bad12" too. */
static size_t number_of(const char *metric)
{
    return (size_t)strtoul(metric + strcspn(metric, "0123456789"), NULL, 10);
}

static json_t *document_of(const struct server_request *request)
{
    static unsigned char plain[2 * CLOUDWATCH_BODY_MAX];
    const char *encoding = server_header(request, "Content-Encoding");
    const char *text = request->body;
    size_t len = request->body_len;
    json_error_t error;

    if (encoding) {
        z_stream stream = {.next_in = (unsigned char *)request->body,
                           .avail_in = (unsigned)request->body_len,
                           .next_out = plain,
                           .avail_out = sizeof(plain)};

        assert_string_equal(encoding, "gzip");
        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        text = (const char *)plain;
        len = stream.total_out;
        inflateEnd(&stream);
    }
    assert_true(len < CLOUDWATCH_BODY_MAX);
    json_t *document = json_loadb(text, len, 0, &error);
    assert_non_null(document);
    return document;
}

static void refuse(struct server_answer *answer, size_t index)
{
    answer->status = 400;
    answer->headers = "x-amzn-query-error: InvalidParameterValue;Sender\r\n";
    snprintf(room->answer_body, sizeof(room->answer_body),
             "{\"__type\":\"com.amazonaws.cloudwatch.v2010_08_01#InvalidParameterValueException\","
             "\"message\":\"The value for parameter MetricData.member.%zu is invalid.\"}",
             index + 1);
    answer->body = room->answer_body;
}

static bool has_bad(const json_t *datums, size_t *index)
{
    for (*index = 0; *index < json_array_size(datums); (*index)++) {
        const json_t *name = json_object_get(json_array_get(datums, *index), "MetricName");

        if (strncmp(json_string_value(name), "Bad", 3) == 0) {
            return true;
        }
    }
    return false;
}

static void take(const json_t *datums)
{
    for (size_t i = 0; i < json_array_size(datums); i++) {
        const json_t *name = json_object_get(json_array_get(datums, i), "MetricName");
        size_t number = number_of(json_string_value(name));

        assert_true(number < DATUMS_MAX);
        room->seen[number]++;
    }
}

static void on_request(void *arg, const struct server_request *request,
                       struct server_answer *answer)
{
    json_t *document = document_of(request);
    const json_t *datums = json_object_get(document, "MetricData");
    size_t count = json_array_size(datums), index;

    (void)arg;
    assert_true(room->requests < MEM_COUNT(room->sizes));
    assert_string_equal(json_string_value(json_object_get(document, "Namespace")), "Application");
    room->timestamps[room->requests] =
        json_integer_value(json_object_get(json_array_get(datums, 0), "Timestamp"));
    room->sizes[room->requests++] = count;
    if (room->largest > 0 && count > room->largest) {
        answer->status = 413;
    } else if (room->refuses_all) {
        refuse(answer, 0);
    } else if (has_bad(datums, &index)) {
        refuse(answer, index);
    } else {
        take(datums);
        answer->body = "{}";
    }
    json_decref(document);
}

/* --- The publisher and its surroundings ------------------------------------------------------- */

static void on_closed(void *arg)
{
    (void)arg;
    room->closed = true;
    room->publisher = NULL;
}

static void on_sent(void *arg)
{
    (void)arg;
    assert_false(room->kicking);
    room->sent = true;
    room->sent_count++;
    if (room->stop_when_sent) {
        publisher_stop(room->publisher, on_closed, NULL);
    }
}

static void on_ambiguous(void *arg, size_t datums)
{
    (void)arg;
    room->ambiguous += datums;
}

static void on_dry_run(void *arg, const struct cloudwatch_entry *entries, size_t count)
{
    (void)arg;
    assert_false(room->kicking);
    assert_non_null(strstr(entries[0].members, "MetricName"));
    room->dry_datums += count;
}

static double jitter(void)
{
    return room->jitter;
}

static void make_client(const char *endpoint_url)
{
    const struct aws_client_options options = {.loop = &room->w.loop,
                                               .http = room->w.http,
                                               .credentials = room->cache,
                                               .region = "eu-west-1",
                                               .endpoint_url = endpoint_url,
                                               .env = &room->w.env};
    struct err err;

    assert_true(aws_client_new(&options, &room->client, &err));
}

static void make_publisher(bool dry_run)
{
    const struct publisher_options options = {.loop = &room->w.loop,
                                              .client = dry_run ? NULL : room->client,
                                              .spool = room->spool,
                                              .namespace_ = "Application",
                                              .clock = &room->w.clock,
                                              .on_dry_run = dry_run ? on_dry_run : NULL,
                                              .on_sent = on_sent,
                                              .on_ambiguous = on_ambiguous,
                                              .random = jitter};

    room->publisher = publisher_new(&options);
}

static void stop_publisher(void)
{
    if (room->publisher) {
        room->closed = false;
        publisher_stop(room->publisher, on_closed, NULL);
        assert_false(room->closed);
        assert_true(loop_until(&room->w.loop, &room->closed, 1000));
    }
}

static int set_up(void **state)
{
    (void)state;
    room = mem_alloc(sizeof(*room));
    buf_init(&log_lines, 1000000);
    world_init(&room->w);
    world_set(&room->w, "AWS_ACCESS_KEY_ID", "AKID");
    world_set(&room->w, "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    http_server_on_request(room->w.server, on_request, NULL);
    room->cache = credentials_default_new(&room->w.env, NULL);
    room->spool = spool_new(INT64_C(64) << 20);
    make_client(http_server_url(room->w.server));
    make_publisher(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop_publisher();
    spool_free(room->spool);
    aws_client_free(room->client);
    credentials_cache_free(room->cache);
    world_done(&room->w);
    buf_done(&log_lines);
    free(room);
    return 0;
}

static int64_t this_minute(void)
{
    return time_now_ms() / 60000 * 60000;
}

static void push(const char *name, size_t first, size_t count)
{
    char members[64];

    for (size_t i = first; i < first + count; i++) {
        snprintf(members, sizeof(members), "\"MetricName\":\"%s%zu\",\"Value\":1", name, i);
        spool_push(room->spool, this_minute(), members);
    }
}

static void kick(void)
{
    room->kicking = true;
    publisher_kick(room->publisher);
    room->kicking = false;
}

static void wait_until_sent(void)
{
    room->sent = false;
    kick();
    assert_true(loop_until(&room->w.loop, &room->sent, 10000));
}

static bool more_requests(size_t count, unsigned timeout_ms)
{
    uint64_t end = uv_hrtime() + (uint64_t)timeout_ms * 1000000;

    while (http_server_count(room->w.server) < count && uv_hrtime() < end) {
        loop_for(&room->w.loop, 5);
    }
    return http_server_count(room->w.server) >= count;
}

/* Until so many requests were answered, whatever the answer. */
static void wait_for_requests(uint64_t count)
{
    while (publisher_counters(room->publisher)->requests < count) {
        assert_true(more_requests((size_t)count, 5000));
        loop_for(&room->w.loop, 5);
    }
}

static void script(const struct server_answer *answers, size_t count)
{
    http_server_on_request(room->w.server, NULL, NULL);
    http_server_script(room->w.server, answers, count);
}

static void assert_seen_once(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (room->seen[i] != 1) {
            fail_msg("datum %zu arrived %zu times", i, room->seen[i]);
        }
    }
}

/* --- All is well --- */

static void what_is_queued_is_sent_once(void **state)
{
    (void)state;
    push("M", 0, 3);
    wait_until_sent();
    assert_seen_once(0, 3);
    assert_int_equal(room->requests, 1);
    assert_true(room->timestamps[0] * 1000 >= this_minute() - 60000);
    assert_int_equal(spool_count(room->spool), 0);
    assert_int_equal(publisher_counters(room->publisher)->sent, 3);
    assert_int_equal(publisher_counters(room->publisher)->requests, 1);
    assert_int_equal(publisher_counters(room->publisher)->errors, 0);
    assert_true(publisher_idle(room->publisher));
    assert_string_equal(buf_text(&log_lines), "");
}

static void full_batches_one_after_another(void **state)
{
    (void)state;
    push("M", 0, 2500);
    wait_until_sent();
    assert_seen_once(0, 2500);
    assert_int_equal(room->requests, 3);
    assert_int_equal(room->sizes[0], 1000);
    assert_int_equal(room->sizes[1], 1000);
    assert_int_equal(room->sizes[2], 500);
    assert_int_equal(room->sent_count, 1);
}

static void a_kick_without_anything_to_send(void **state)
{
    (void)state;
    kick();
    loop_for(&room->w.loop, 20);
    assert_true(publisher_idle(room->publisher));
    assert_int_equal(room->requests, 0);
}

static void one_request_at_a_time(void **state)
{
    static const struct server_answer answers[] = {{.delay_ms = 50, .body = "{}"}, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    kick();
    assert_true(more_requests(1, 5000));
    push("M", 1, 1);
    kick();
    publisher_flush(room->publisher);
    loop_for(&room->w.loop, 20);
    assert_int_equal(http_server_count(room->w.server), 1);
    wait_until_sent(); /* what came meanwhile follows without another kick */
    assert_int_equal(http_server_count(room->w.server), 2);
}

/* --- Trouble --- */

#define OVERLOADED                                                                                 \
    {                                                                                              \
        .status = 503, .headers = "x-amzn-RequestId: 7\r\n"                                        \
    }
#define DENIED                                                                                     \
    {                                                                                              \
        .status = 403,                                                                             \
        .body = "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\",\"message\":"      \
                "\"User is not authorized\"}"                                                      \
    }
#define THROTTLED                                                                                  \
    {                                                                                              \
        .status = 400, .headers = "x-amz-retry-after: 300\r\n",                                    \
        .body = "{\"__type\":\"com.amazon.coral.availability#ThrottlingException\",\"message\":"   \
                "\"Rate exceeded\"}"                                                               \
    }

static void an_outage_is_told_when_it_begins_and_when_it_ends(void **state)
{
    static const struct server_answer answers[] = {
        OVERLOADED, OVERLOADED, OVERLOADED, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 7);
    wait_until_sent();
    assert_int_equal(http_server_count(room->w.server), 4);
    assert_int_equal(count_lines("\n"), 2);
    assert_int_equal(count_lines("warn: cannot publish to CloudWatch: "), 1);
    assert_int_equal(count_lines("; keeping 7 datums, trying again\n"), 1);
    assert_int_equal(count_lines("info: publishing again after 0 s: 7 datums sent\n"), 1);
    assert_int_equal(publisher_counters(room->publisher)->errors, 3);
    assert_int_equal(publisher_counters(room->publisher)->requests, 4);
    assert_int_equal(publisher_counters(room->publisher)->sent, 7);
    assert_int_equal(publisher_counters(room->publisher)->ambiguous, 21);
}

static void what_arrives_in_an_outage_comes_along(void **state)
{
    static const struct server_answer answers[] = {OVERLOADED, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    room->jitter = 0.5;
    push("M", 0, 2);
    kick();
    wait_for_requests(1);
    push("M", 2, 2);
    wait_until_sent(); /* the kick does not shorten the wait */
    assert_int_equal(http_server_count(room->w.server), 2);
    assert_int_equal(publisher_counters(room->publisher)->sent, 4);
}

static void permission_is_asked_for_once(void **state)
{
    static const struct server_answer answers[] = {DENIED, DENIED, DENIED, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    wait_until_sent();
    assert_int_equal(count_lines("\n"), 2);
    assert_int_equal(count_lines("error: cannot publish to CloudWatch: "), 1);
    assert_int_equal(count_lines("allow cloudwatch:PutMetricData"), 1);
    assert_int_equal(publisher_counters(room->publisher)->ambiguous, 0);
}

static void another_reason_is_told(void **state)
{
    static const struct server_answer answers[] = {OVERLOADED, {.status = 500}, DENIED,
                                                   DENIED,     OVERLOADED,      {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    wait_until_sent();
    assert_int_equal(count_lines("\n"), 4);
    assert_int_equal(count_lines("warn: cannot publish"), 1);
    assert_int_equal(count_lines("error: still cannot publish"), 1);
    assert_int_equal(count_lines("warn: still cannot publish"), 1);
}

static void the_service_s_own_wish_is_respected(void **state)
{
    static const struct server_answer answers[] = {THROTTLED, {.body = "{}"}};
    uint64_t start;

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    kick();
    wait_for_requests(1);
    start = uv_hrtime();
    wait_until_sent();
    assert_true(uv_hrtime() - start > UINT64_C(250) * 1000000);
    assert_int_equal(publisher_counters(room->publisher)->ambiguous, 0);
}

static void a_lost_answer_is_ambiguous(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_CUT, .body = "{   }"},
                                                   {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 5);
    wait_until_sent();
    assert_int_equal(publisher_counters(room->publisher)->ambiguous, 5);
    assert_int_equal(room->ambiguous, 5);
    assert_int_equal(publisher_counters(room->publisher)->sent, 5);
}

static void nobody_there_is_not_ambiguous(void **state)
{
    (void)state;
    stop_publisher();
    aws_client_free(room->client);
    make_client("http://127.0.0.1:1");
    make_publisher(false);
    room->jitter = 0.99;
    push("M", 0, 1);
    kick();
    for (int i = 0; i < 500 && publisher_counters(room->publisher)->errors == 0; i++) {
        loop_for(&room->w.loop, 10);
    }
    assert_int_equal(publisher_counters(room->publisher)->errors, 1);
    assert_int_equal(publisher_counters(room->publisher)->ambiguous, 0);
    assert_int_equal(spool_count(room->spool), 1);
}

static void a_flush_does_not_wait(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 503, .headers = "x-amz-retry-after: 15000\r\n"}, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    kick();
    wait_for_requests(1);
    loop_for(&room->w.loop, 50);
    assert_int_equal(http_server_count(room->w.server), 1);
    publisher_flush(room->publisher);
    assert_true(loop_until(&room->w.loop, &room->sent, 2000));
}

static void on_correction(void *arg, int64_t offset_ms)
{
    spool_move(arg, 0, INT64_MAX, (offset_ms + 30000) / 60000 * 60000);
}

static void a_clock_that_is_off_moves_the_stamps(void **state)
{
    static char headers[100];
    static struct server_answer answers[2] = {
        {.status = 400,
         .headers = headers,
         .body = "{\"__type\":\"com.amazon.coral.service#RequestTimeTooSkewed\",\"message\":\"\"}"},
        {.body = "{}"}};
    time_t service_s = (time_t)(time_now_ms() / 1000 + 3600);
    struct tm tm;
    json_error_t error;

    (void)state;
    gmtime_r(&service_s, &tm);
    strftime(headers, sizeof(headers), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    room->w.clock.on_correction = on_correction;
    room->w.clock.arg = room->spool;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    wait_until_sent();
    json_int_t stamps[2];
    for (size_t i = 0; i < 2; i++) {
        json_t *document = json_loads(http_server_request(room->w.server, i)->body, 0, &error);

        stamps[i] = json_integer_value(json_object_get(
            json_array_get(json_object_get(document, "MetricData"), 0), "Timestamp"));
        json_decref(document);
    }
    assert_int_equal(stamps[1] - stamps[0], 3600);
}

/* --- Refusals --- */

static void a_bad_datum_is_dropped_alone(void **state)
{
    (void)state;
    push("M", 0, 600);
    push("Bad", 600, 1);
    push("M", 601, 399);
    wait_until_sent();
    assert_seen_once(0, 600);
    assert_int_equal(room->seen[600], 0);
    assert_seen_once(601, 399);
    assert_int_equal(publisher_counters(room->publisher)->refused, 1);
    assert_int_equal(publisher_counters(room->publisher)->sent, 999);
    assert_int_equal(spool_dropped(room->spool), 1);
    assert_true(room->requests <= 21);
    assert_int_equal(count_lines("\n"), 1);
    assert_int_equal(count_lines("error: CloudWatch refused a datum of Bad600, which is dropped: "),
                     1);
    assert_int_equal(count_lines("InvalidParameterValue"), 1);
}

static void the_only_datum_is_bad(void **state)
{
    (void)state;
    push("Bad", 0, 1);
    wait_until_sent(); /* there is nothing left to wait for */
    assert_int_equal(room->requests, 1);
    assert_int_equal(spool_count(room->spool), 0);
}

static void several_bad_ones_among_good_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        push(i % 10 == 3 ? "Bad" : "M", i, 1);
    }
    wait_until_sent();
    assert_int_equal(publisher_counters(room->publisher)->sent, 90);
    assert_int_equal(publisher_counters(room->publisher)->refused, 10);
    assert_int_equal(count_lines("\n"), 1); /* one line, not ten */
}

static void when_all_is_refused_little_is_lost(void **state)
{
    (void)state;
    room->refuses_all = true;
    room->jitter = 0.1;
    push("M", 0, 100);
    kick();
    for (int i = 0; i < 500 && count_lines("cannot publish") == 0; i++) {
        loop_for(&room->w.loop, 10);
    }
    assert_int_equal(count_lines("error: cannot publish to CloudWatch: "), 1);
    assert_int_equal(publisher_counters(room->publisher)->refused, 5);
    assert_int_equal(spool_count(room->spool), 95);
    size_t before = room->requests;
    assert_true(more_requests(before + 3, 5000)); /* it goes on trying, one datum at a time */
    for (size_t i = before; i < room->requests; i++) {
        assert_int_equal(room->sizes[i], 1);
    }
    assert_int_equal(spool_count(room->spool), 95);
    room->refuses_all = false;
    wait_until_sent();
    assert_int_equal(publisher_counters(room->publisher)->sent, 95);
    assert_int_equal(publisher_counters(room->publisher)->refused, 5);
    assert_int_equal(count_lines("info: publishing again after "), 1);
}

static void a_row_of_bad_ones_does_not_stop_the_good_ones(void **state)
{
    (void)state;
    push("Bad", 0, 20);
    push("M", 20, 20);
    wait_until_sent();
    assert_seen_once(20, 20);
    assert_int_equal(publisher_counters(room->publisher)->sent, 20);
    assert_int_equal(publisher_counters(room->publisher)->refused, 20);
}

static void a_proxy_that_takes_little(void **state)
{
    (void)state;
    room->largest = 300;
    push("M", 0, 1000);
    wait_until_sent();
    assert_seen_once(0, 1000);
    assert_int_equal(publisher_counters(room->publisher)->refused, 0);
    size_t before = room->requests;
    push("M", 1000, 1000);
    wait_until_sent();
    assert_seen_once(1000, 1000);
    assert_int_equal(room->requests - before, 5); /* of 500, which is tried again, then 250 */
}

static void what_was_too_large_once_is_not_for_ever(void **state)
{
    (void)state;
    room->largest = 250;
    push("M", 0, 1000);
    wait_until_sent();
    room->largest = 0;
    for (int i = 0; i < 8; i++) {
        push("M", 1000 + (size_t)i, 1);
        wait_until_sent();
    }
    size_t before = room->requests;
    push("M", 1008, 1000);
    wait_until_sent();
    assert_int_equal(room->requests - before, 1);
    assert_seen_once(0, 2008);
}

static void somebody_on_the_way_who_takes_nothing_costs_no_datum(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 413}, {.status = 413}, {.body = "{}"}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    wait_until_sent();
    assert_int_equal(publisher_counters(room->publisher)->sent, 1);
    assert_int_equal(publisher_counters(room->publisher)->refused, 0);
}

/* --- Losses --- */

static void what_had_no_room_is_told(void **state)
{
    (void)state;
    stop_publisher();
    spool_free(room->spool);
    room->spool = spool_new(10000);
    make_publisher(false);
    push("M", 0, 1000);
    wait_until_sent();
    assert_int_equal(count_lines("\n"), 1);
    assert_int_equal(count_lines(" datums are lost: the oldest"), 1);
    assert_true(publisher_counters(room->publisher)->sent > 50);
    push("M", 0, 1000);
    wait_until_sent();
    assert_int_equal(count_lines("\n"), 1);
}

/* --- Dry run --- */

static void a_dry_run_tells_and_sends_nothing(void **state)
{
    (void)state;
    stop_publisher();
    make_publisher(true);
    push("M", 0, 1500);
    wait_until_sent();
    assert_int_equal(room->dry_datums, 1500);
    assert_int_equal(room->sent_count, 1);
    assert_int_equal(http_server_count(room->w.server), 0);
    assert_int_equal(spool_count(room->spool), 0);
}

/* --- The end --- */

static void stopping_in_the_middle(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT}};

    (void)state;
    script(answers, MEM_COUNT(answers));
    push("M", 0, 1);
    kick();
    assert_true(more_requests(1, 5000));
    assert_false(publisher_idle(room->publisher));
    stop_publisher();
    assert_int_equal(room->sent_count, 0);
    assert_int_equal(spool_count(room->spool), 1);
}

static void stopping_before_anything_began(void **state)
{
    (void)state;
    push("M", 0, 1);
    kick();
    stop_publisher();
    assert_int_equal(http_server_count(room->w.server), 0);
}

static void stopping_in_its_own_callback(void **state)
{
    (void)state;
    room->stop_when_sent = true;
    push("M", 0, 1);
    kick();
    assert_true(loop_until(&room->w.loop, &room->closed, 5000));
    assert_int_equal(room->sent_count, 1);
}

/* --- Backoff --- */

static void backoff_grows_and_is_bounded(void **state)
{
    static const struct {
        int failures;
        double random;
        int64_t hint_ms;
        uint64_t ms;
    } cases[] = {
        {1, 0, 0, 0},         {1, 0.5, 0, 250},        {2, 0.5, 0, 500},
        {3, 0.5, 0, 1000},    {5, 0.5, 0, 4000},       {6, 0.5, 0, 7500},
        {1000, 0.5, 0, 7500}, {1000, 0.999, 0, 14985}, {1, 0.5, 100, 250},
        {1, 0.5, 5000, 5000}, {6, 0, 5000, 5000},      {1, 0, INT64_C(1) << 40, 15000},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(publisher_backoff_ms(cases[i].failures, cases[i].random, cases[i].hint_ms),
                         cases[i].ms);
    }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* So that a hundred agents stay under an account's 500 a second. */
static void a_backlog_is_sent_at_five_requests_a_second(void **state)
{
    (void)state;
    assert_int_equal(publisher_pause_ms(0), 100);
    assert_int_equal(publisher_pause_ms(0.5), 200);
    assert_in_range(publisher_pause_ms(0.999), 290, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_is_queued_is_sent_once),
        STORY(full_batches_one_after_another),
        STORY(a_kick_without_anything_to_send),
        STORY(one_request_at_a_time),
        STORY(an_outage_is_told_when_it_begins_and_when_it_ends),
        STORY(what_arrives_in_an_outage_comes_along),
        STORY(permission_is_asked_for_once),
        STORY(another_reason_is_told),
        STORY(the_service_s_own_wish_is_respected),
        STORY(a_lost_answer_is_ambiguous),
        STORY(nobody_there_is_not_ambiguous),
        STORY(a_flush_does_not_wait),
        STORY(a_clock_that_is_off_moves_the_stamps),
        STORY(a_bad_datum_is_dropped_alone),
        STORY(the_only_datum_is_bad),
        STORY(several_bad_ones_among_good_ones),
        STORY(when_all_is_refused_little_is_lost),
        STORY(a_row_of_bad_ones_does_not_stop_the_good_ones),
        STORY(a_proxy_that_takes_little),
        STORY(what_was_too_large_once_is_not_for_ever),
        STORY(somebody_on_the_way_who_takes_nothing_costs_no_datum),
        STORY(what_had_no_room_is_told),
        STORY(a_dry_run_tells_and_sends_nothing),
        STORY(stopping_in_the_middle),
        STORY(stopping_before_anything_began),
        STORY(stopping_in_its_own_callback),
        cmocka_unit_test(backoff_grows_and_is_bounded),
        cmocka_unit_test(a_backlog_is_sent_at_five_requests_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
