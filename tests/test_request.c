/* One API call against a scripted server: signed, answered, refused, tried again, given up. */
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

#include "aws/common/mem.h"
#include "aws/gzip.h"
#include "aws/request.h"
#include "aws/retry.h"
#include "aws/time.h"
#include "sigv4/sigv4.h"
#include "tests/aws_world.h"

#define REGION  "eu-west-1"
#define SECRET  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN   "session-token"
#define HOUR_MS (INT64_C(3600) * 1000)

/* --- Credentials that a test hands out, a new access key at each get ------------------------- */

struct keys {
    struct provider provider;
    uv_timer_t turn;
    int gets;
    const char *token;
    bool fail;
    bool silent;
    provider_done *done;
    void *arg;
};

static void on_keys_turn(uv_timer_t *turn)
{
    struct keys *keys = turn->data;
    char access_key[] = "AKID0";
    char secret_key[] = SECRET;
    char token[] = TOKEN;
    const struct credentials set = {.access_key = access_key,
                                    .secret_key = secret_key,
                                    .session_token = keys->token ? token : NULL,
                                    .source = "test"};
    struct err err;

    access_key[4] = (char)('0' + keys->gets);
    err_set(&err, ERR_ABSENT, "nobody has any");
    keys->done(keys->arg, keys->fail ? NULL : &set, keys->fail ? &err : NULL);
}

static void keys_get(struct provider *provider, provider_done *done, void *arg)
{
    struct keys *keys = (struct keys *)provider;

    keys->gets++;
    keys->done = done;
    keys->arg = arg;
    if (!keys->silent) {
        uv_timer_start(&keys->turn, on_keys_turn, 0, 0);
    }
}

static void keys_cancel(struct provider *provider)
{
    uv_timer_stop(&((struct keys *)provider)->turn);
}

static void on_keys_closed(uv_handle_t *turn)
{
    free(turn->data);
}

static void keys_free(struct provider *provider)
{
    uv_close((uv_handle_t *)&((struct keys *)provider)->turn, on_keys_closed);
}

static struct keys *keys_new(uv_loop_t *loop)
{
    static const struct provider_ops ops = {"test", keys_get, keys_cancel, keys_free};
    struct keys *keys = mem_alloc(sizeof(*keys));

    keys->provider.ops = &ops;
    uv_timer_init(loop, &keys->turn);
    keys->turn.data = keys;
    return keys;
}

/* --- A client and what came of its calls ----------------------------------------------------- */

struct room {
    struct world w;
    struct keys *keys;
    struct credentials_cache *cache;
    struct aws_client *client;

    bool sending; /* inside aws_send() */
    bool finished;
    int calls_over;
    struct err err; /* ERR_NONE with an answer */
    int status;
    char code[100];
    bool may_have_arrived;
    int64_t retry_after_ms;
    char *body;
    char request_id[100];
    void (*then)(struct room *room); /* what `done` does last */
    struct aws_call *other;
};

static double no_luck(void)
{
    return 0.0; /* no delays */
}

static void room_client(struct room *room, const char *endpoint_url)
{
    const struct aws_client_options options = {.loop = &room->w.loop,
                                               .http = room->w.http,
                                               .credentials = room->cache,
                                               .region = REGION,
                                               .endpoint_url = endpoint_url,
                                               .env = &room->w.env,
                                               .random = no_luck};
    struct err err;

    aws_client_free(room->client);
    assert_true(aws_client_new(&options, &room->client, &err));
}

static int set_up(void **state)
{
    struct room *room = mem_alloc(sizeof(*room));

    world_init(&room->w);
    room->keys = keys_new(&room->w.loop);
    room->cache = credentials_cache_new(&room->w.loop, &room->keys->provider);
    room_client(room, http_server_url(room->w.server));
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    aws_client_free(room->client);
    credentials_cache_free(room->cache);
    world_done(&room->w);
    free(room->body);
    free(room);
    return 0;
}

static void on_done(void *arg, const struct aws_answer *answer, const struct err *err,
                    const struct aws_failure *failure)
{
    struct room *room = arg;

    assert_false(room->sending);
    assert_true((answer != NULL) != (err != NULL));
    assert_true((err != NULL) == (failure != NULL));
    free(room->body);
    room->body = answer ? mem_check(json_dumps(answer->body, JSON_COMPACT)) : NULL;
    room->err = err ? *err : (struct err){.code = ERR_NONE};
    snprintf(room->request_id, sizeof(room->request_id), "%s", answer ? answer->request_id : "");
    snprintf(room->code, sizeof(room->code), "%s", failure ? failure->code : "");
    room->status = failure ? failure->status : 200;
    room->may_have_arrived = failure && failure->may_have_arrived;
    room->retry_after_ms = failure ? failure->retry_after_ms : 0;
    room->calls_over++;
    room->finished = true;
    if (room->then) {
        room->then(room);
    }
}

static const struct aws_request list = {
    .operation = "ListThings", .body = "{\"a\":1}", .body_len = 7};

static struct aws_call *start(struct room *room, const struct aws_request *request)
{
    room->finished = false;
    room->sending = true;
    struct aws_call *call = aws_send(room->client, request, on_done, room);
    room->sending = false;
    return call;
}

static void wait_for_end(struct room *room)
{
    if (!loop_until(&room->w.loop, &room->finished, 10000)) {
        fail_msg("the call does not end");
    }
}

static void call(struct room *room, const struct aws_request *request)
{
    int before = room->calls_over;

    start(room, request);
    wait_for_end(room);
    assert_int_equal(room->calls_over, before + 1);
}

static void script(struct room *room, const struct server_answer *answers, size_t count)
{
    http_server_script(room->w.server, answers, count);
}

static size_t requests(const struct room *room)
{
    return http_server_count(room->w.server);
}

static const struct server_request *request_at(const struct room *room, size_t index)
{
    return http_server_request(room->w.server, index);
}

static void assert_header(const struct server_request *request, const char *name, const char *value)
{
    const char *found = server_header(request, name);

    assert_string_equal(found ? found : "(absent)", value ? value : "(absent)");
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

/* --- Signatures ------------------------------------------------------------------------------ */

static int64_t signed_at_ms(const struct server_request *request)
{
    const char *date = server_header(request, "X-Amz-Date");
    char iso[32];
    int64_t ms = 0;

    assert_non_null(date);
    assert_int_equal(strlen(date), strlen("YYYYMMDDTHHMMSSZ"));
    snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6, date + 9,
             date + 11, date + 13);
    assert_true(time_parse_iso8601(iso, &ms));
    return ms;
}

/* As a service does it: from what arrived, over the headers that are said to be signed. */
static void assert_signed(const struct server_request *request, const char *access_key,
                          const char *signed_headers)
{
    struct sigv4_header headers[SERVER_HEADERS_MAX];
    size_t count = 0;
    char names[300], part[400];
    char *save = NULL;

    snprintf(names, sizeof(names), "%s", signed_headers);
    for (char *name = strtok_r(names, ";", &save); name; name = strtok_r(NULL, ";", &save)) {
        bool is_ours = strcmp(name, "x-amz-date") != 0 && strcmp(name, "x-amz-security-token") != 0;

        if (is_ours) { /* the signer adds the others itself */
            headers[count++] = (struct sigv4_header){name, server_header(request, name)};
        }
    }
    const struct sigv4_request seen = {.method = request->method,
                                       .path = request->target,
                                       .headers = headers,
                                       .header_count = count,
                                       .body = request->body,
                                       .body_len = request->body_len};
    const struct sigv4_credentials credentials = {access_key, SECRET,
                                                  server_header(request, "X-Amz-Security-Token")};
    const struct sigv4_scope scope = {(time_t)(signed_at_ms(request) / 1000), REGION, "monitoring"};
    struct sigv4_result result;

    assert_int_equal(sigv4_sign(&seen, &credentials, &scope, NULL, &result), SIGV4_OK);
    assert_header(request, "Authorization", result.authorization);
    snprintf(part, sizeof(part), "SignedHeaders=%s,", signed_headers);
    assert_contains(result.authorization, part);
    sigv4_result_done(&result);
}

#define USUAL_HEADERS "content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode"

/* --- Answers --------------------------------------------------------------------------------- */

static void a_call_is_signed_and_answered(void **state)
{
    static const struct server_answer answers[] = {
        {.headers = "x-amzn-RequestId: r-1\r\n", .body = "{\"Things\":[1,2]}"}};
    struct room *room = *state;

    script(room, answers, 1);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_string_equal(room->body, "{\"Things\":[1,2]}");
    assert_string_equal(room->request_id, "r-1");

    const struct server_request *request = request_at(room, 0);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->target, "/");
    assert_string_equal(request->body, "{\"a\":1}");
    assert_header(request, "Host", http_server_url(room->w.server) + strlen("http://"));
    assert_header(request, "Content-Type", "application/x-amz-json-1.0");
    assert_header(request, "X-Amz-Target", "GraniteServiceVersion20100801.ListThings");
    assert_header(request, "x-amzn-query-mode", "true");
    assert_header(request, "X-Amz-Security-Token", NULL);
    assert_header(request, "Content-Encoding", NULL);
    assert_header(request, "Expect", NULL);
    assert_in_range(signed_at_ms(request) + 60000, time_now_ms(), time_now_ms() + 120000);
    assert_signed(request, "AKID1", USUAL_HEADERS);
}

static void a_session_token_is_sent_and_signed(void **state)
{
    static const struct server_answer answers[] = {{.body = "{}"}};
    struct room *room = *state;

    room->keys->token = TOKEN;
    script(room, answers, 1);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_header(request_at(room, 0), "X-Amz-Security-Token", TOKEN);
    assert_signed(
        request_at(room, 0), "AKID1",
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target;x-amzn-query-mode");
}

static void assert_inflates_to(const struct server_request *request, const char *text, size_t len)
{
    char *plain = mem_alloc(len + 1);
    z_stream stream = {.next_in = (unsigned char *)request->body,
                       .avail_in = (unsigned)request->body_len,
                       .next_out = (unsigned char *)plain,
                       .avail_out = (unsigned)len + 1};

    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, len);
    assert_memory_equal(plain, text, len);
    inflateEnd(&stream);
    free(plain);
}

static void a_large_body_is_compressed_where_the_operation_takes_it(void **state)
{
    static const struct server_answer answers[] = {{.body = "{}"}, {.body = "{}"}, {.body = "{}"}};
    struct room *room = *state;
    char large[GZIP_FROM_BYTES];

    memset(large, ' ', sizeof(large));
    memcpy(large, "{}", 2);
    script(room, answers, 3);

    const struct aws_request compressed = {
        .operation = "Put", .body = large, .body_len = sizeof(large), .compress = true};
    call(room, &compressed);
    assert_header(request_at(room, 0), "Content-Encoding", "gzip");
    assert_true(request_at(room, 0)->body_len < 200);
    assert_inflates_to(request_at(room, 0), large, sizeof(large));
    assert_signed(request_at(room, 0), "AKID1", "content-encoding;" USUAL_HEADERS);

    const struct aws_request below = {
        .operation = "Put", .body = large, .body_len = sizeof(large) - 1, .compress = true};
    call(room, &below);
    assert_header(request_at(room, 1), "Content-Encoding", NULL);
    assert_int_equal(request_at(room, 1)->body_len, sizeof(large) - 1);
    assert_signed(request_at(room, 1), "AKID1", USUAL_HEADERS);

    const struct aws_request not_taken = {
        .operation = "Put", .body = large, .body_len = sizeof(large)};
    call(room, &not_taken);
    assert_header(request_at(room, 2), "Content-Encoding", NULL);
}

static void an_operation_without_output_needs_no_body(void **state)
{
    static const struct server_answer answers[] = {{.body = ""}};
    struct room *room = *state;
    struct aws_request request = list;

    request.answers_nothing = true;
    script(room, answers, 1);
    call(room, &request);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_string_equal(room->body, "{}");
}

/* --- One attempt that fails, and what is told ------------------------------------------------ */

#define ERROR(type, text)                                                                          \
    "{\"__type\":\"com.amazon.coral.service#" type "\",\"message\":\"" text "\"}"

static const struct outcome_case {
    const char *name;
    struct server_answer answer; /* the same to each attempt */
    int attempts;                /* how many there are to be */
    enum err_code err;
    const char *code;
    bool may_have_arrived;
    const char *message; /* a part of it */
} outcome_cases[] = {
    {"not allowed",
     {.status = 403,
      .headers = "x-amzn-RequestId: 8e470e1a\r\n",
      .body = ERROR("AccessDeniedException", "User: arn:x is not authorized")},
     1,
     ERR_DENIED,
     "AccessDeniedException",
     false,
     "ListThings in eu-west-1: AccessDeniedException: User: arn:x is not authorized (request"
     " 8e470e1a, attempt 1): allow cloudwatch:ListThings to this role"},
    {"bad input",
     {.status = 400,
      .headers = "x-amzn-query-error: InvalidParameterValue;Sender\r\n",
      .body = ERROR("InvalidParameterValueException", "no")},
     1,
     ERR_REJECTED,
     "InvalidParameterValue",
     false,
     "InvalidParameterValue: no"},
    {"throttled",
     {.status = 400,
      .headers = "x-amz-retry-after: 1\r\n",
      .body = ERROR("ThrottlingException", "Rate exceeded")},
     3,
     ERR_THROTTLED,
     "ThrottlingException",
     false,
     "Rate exceeded (request without id, attempt 3)"},
    {"throttled with a 503",
     {.status = 503, .body = ERROR("SlowDown", "please")},
     3,
     ERR_THROTTLED,
     "SlowDown",
     false,
     "SlowDown: please"},
    {"throttled without words", {.status = 429}, 3, ERR_THROTTLED, "", false, "HTTP 429"},
    {"a fault of the service's",
     {.status = 500, .body = ERROR("InternalServiceFault", "oh")},
     3,
     ERR_NET,
     "InternalServiceFault",
     true,
     "InternalServiceFault: oh"},
    {"a load balancer's page",
     {.status = 503, .body = "<html><title>503 Service Unavailable</title></html>"},
     3,
     ERR_NET,
     "",
     true,
     "HTTP 503: 503 Service Unavailable (request without id, attempt 3)"},
    {"a proxy's page",
     {.status = 403, .body = "<html><title>Blocked</title></html>"},
     1,
     ERR_CONFIG,
     "",
     false,
     "HTTP 403: Blocked (request without id, attempt 1): 127.0.0.1:"},
    {"a redirection",
     {.status = 302, .headers = "Location: http://127.0.0.1:1/\r\n"},
     1,
     ERR_CONFIG,
     "",
     false,
     "check endpoint_url and proxies"},
    {"a wrong key",
     {.status = 403, .body = ERROR("SignatureDoesNotMatch", "They differ.\\nPOST\\n/\\nsesame")},
     1,
     ERR_DENIED,
     "SignatureDoesNotMatch",
     false,
     "They differ. (request without id, attempt 1): check the secret access key (test)"},
    {"an answer that is no JSON",
     {.body = "<html>"},
     3,
     ERR_PARSE,
     "",
     true,
     "ListThings in eu-west-1: status 200, but the answer can not be read: "},
    {"an empty answer", {.body = ""}, 3, ERR_PARSE, "", true, "can not be read"},
    {"an answer broken off inside",
     {.body = "{\"Things\":[1"},
     3,
     ERR_PARSE,
     "",
     true,
     "ends too early"},
    {"an answer cut by the connection",
     {.fate = SERVER_CUT, .body = "{\"Things\":[1,2,3,4,5,6]}"},
     3,
     ERR_NET,
     "",
     true,
     "ListThings in eu-west-1: http://127.0.0.1:"},
};

static void failures_are_told(void **state)
{
    for (size_t i = 0; i < MEM_COUNT(outcome_cases); i++) {
        const struct outcome_case *c = &outcome_cases[i];
        const struct server_answer answers[] = {c->answer, c->answer, c->answer, c->answer};
        struct room *room = *state;

        script(room, answers, MEM_COUNT(answers));
        http_server_forget(room->w.server);
        call(room, &list);
        if (room->err.code != c->err || strcmp(room->code, c->code) != 0 ||
            room->may_have_arrived != c->may_have_arrived ||
            !strstr(room->err.message, c->message) || strstr(room->err.message, "sesame")) {
            fail_msg("%s: %s, code \"%s\", %s: %s", c->name, err_name(room->err.code), room->code,
                     room->may_have_arrived ? "may have arrived" : "has not arrived",
                     room->err.message);
        }
        assert_int_equal(requests(room), c->attempts);
        bool has_status = c->err != ERR_NET || c->answer.fate == SERVER_ANSWER;
        assert_int_equal(room->status, !has_status ? 0 : c->answer.status ? c->answer.status : 200);
    }
}

static void an_answer_too_large_is_no_fault_of_the_input(void **state)
{
    struct room *room = *state;
    const size_t len = (size_t)5 << 20;
    char *large = mem_alloc(len + 1);
    const struct server_answer answers[] = {{.body = large, .body_len = len}};

    memset(large, ' ', len);
    script(room, answers, 1);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_PARSE);
    assert_contains(room->err.message, "larger than allowed");
    assert_true(room->may_have_arrived);
    free(large);
}

static void the_hint_of_a_refusal_is_told(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 503, .headers = "x-amz-retry-after: 1500\r\n"}};
    struct room *room = *state;
    struct aws_request request = list;

    request.attempts = 1;
    script(room, answers, 1);
    call(room, &request);
    assert_int_equal(requests(room), 1);
    assert_int_equal(room->retry_after_ms, 1500);
}

/* --- Trying again ---------------------------------------------------------------------------- */

static void what_passes_is_tried_again(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 500}, {.status = 400, .body = ERROR("Throttling", "slow")}, {.body = "{}"}};
    struct room *room = *state;

    script(room, answers, 3);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_int_equal(requests(room), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_signed(request_at(room, i), "AKID1", USUAL_HEADERS);
    }
    assert_int_equal(room->keys->gets, 1);
}

static void an_answer_that_never_came_may_have_been_acted_upon(void **state)
{
    /* The second attempt did not arrive; the first may have. */
    static const struct server_answer answers[] = {
        {.fate = SERVER_CUT, .body = "{\"a\":1}"},
        {.status = 400, .body = ERROR("InvalidParameterValue", "no")}};
    struct room *room = *state;

    script(room, answers, 2);
    call(room, &list);
    assert_int_equal(requests(room), 2);
    assert_int_equal(room->err.code, ERR_REJECTED);
    assert_true(room->may_have_arrived);
}

/* It takes the first request with it into its grave; the others find nobody. */
static void on_last_request(void *arg, const struct server_request *request,
                            struct server_answer *answer)
{
    struct room *room = arg;

    (void)request;
    (void)answer;
    http_server_free(room->w.server);
    room->w.server = NULL;
}

static void a_first_attempt_that_arrived_is_not_forgotten(void **state)
{
    struct room *room = *state;

    http_server_on_request(room->w.server, on_last_request, room);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NET);
    assert_null(room->w.server);
    assert_true(room->may_have_arrived);
}

static void a_closed_connection_is_tried_again(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_CLOSE}, {.body = "{}"}};
    struct room *room = *state;

    script(room, answers, 2);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_int_equal(requests(room), 2);
}

static void a_server_that_is_not_there_has_not_been_reached(void **state)
{
    struct room *room = *state;

    room_client(room, "http://127.0.0.1:1");
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NET);
    assert_int_equal(room->status, 0);
    assert_false(room->may_have_arrived);
    assert_contains(room->err.message, "ListThings in eu-west-1: http://127.0.0.1:1: ");
}

static void a_silent_server_is_given_up(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT},
                                                   {.fate = SERVER_SILENT}};
    struct room *room = *state;
    struct aws_request request = list;

    request.timeout_ms = 50;
    request.attempts = 2;
    script(room, answers, 2);
    call(room, &request);
    assert_int_equal(requests(room), 2);
    assert_int_equal(room->err.code, ERR_TIMEOUT);
    assert_true(room->may_have_arrived);
}

/* 500 tokens pay 35 retries; after that a service in trouble gets each call once. */
static void retries_end_when_nothing_succeeds(void **state)
{
    enum { CALLS = 20 };
    struct server_answer answers[3 * CALLS];
    struct room *room = *state;

    for (size_t i = 0; i < MEM_COUNT(answers); i++) {
        answers[i] = (struct server_answer){.status = 500};
    }
    script(room, answers, MEM_COUNT(answers));
    for (int i = 0; i < CALLS; i++) {
        call(room, &list);
    }
    assert_int_equal(requests(room), CALLS + 35);

    /* 10 tokens are left; four successes bring it to the 14 of one more. */
    const struct server_answer good[] = {{.body = "{}"}, {.body = "{}"},  {.body = "{}"},
                                         {.body = "{}"}, {.status = 500}, {.status = 500},
                                         {.body = "{}"}};
    script(room, good, MEM_COUNT(good));
    http_server_forget(room->w.server);
    for (int i = 0; i < 5; i++) {
        call(room, &list);
    }
    assert_int_equal(room->err.code, ERR_NET);
    assert_int_equal(requests(room), 6);
}

/* --- The clock ------------------------------------------------------------------------------- */

struct date_header {
    char text[64];
};

static struct date_header date_header(int64_t offset_ms)
{
    struct date_header date;
    time_t when = (time_t)((time_now_ms() + offset_ms) / 1000);
    struct tm tm;

    gmtime_r(&when, &tm);
    strftime(date.text, sizeof(date.text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    return date;
}

static void assert_near(int64_t value, int64_t expected)
{
    if (llabs(value - expected) > 30000) {
        fail_msg("%lld is not near %lld", (long long)value, (long long)expected);
    }
}

#define EXPIRED_SIGNATURE ERROR("InvalidSignatureException", "Signature expired: ...")

static void a_wrong_clock_is_corrected(void **state)
{
    struct room *room = *state;
    const struct date_header ahead = date_header(HOUR_MS);
    const struct server_answer answers[] = {
        {.status = 403, .headers = ahead.text, .body = EXPIRED_SIGNATURE},
        {.headers = ahead.text, .body = "{}"},
        {.headers = ahead.text, .body = "{}"},
        {.status = 403, .headers = ahead.text, .body = ERROR("SignatureDoesNotMatch", "no")}};

    script(room, answers, 4);
    assert_int_equal(aws_clock_offset_ms(&room->w.clock), 0);
    call(room, &list);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_int_equal(requests(room), 2);
    assert_near(aws_clock_offset_ms(&room->w.clock), HOUR_MS);
    assert_near(signed_at_ms(request_at(room, 0)), time_now_ms());
    assert_near(signed_at_ms(request_at(room, 1)), time_now_ms() + HOUR_MS);

    /* It stays corrected. */
    call(room, &list);
    assert_int_equal(requests(room), 3);
    assert_near(signed_at_ms(request_at(room, 2)), time_now_ms() + HOUR_MS);

    /* And is no excuse for a signature that is wrong for another reason. */
    call(room, &list);
    assert_int_equal(requests(room), 4);
    assert_int_equal(room->err.code, ERR_DENIED);
}

static void a_clock_that_was_set_right_is_believed_again(void **state)
{
    struct room *room = *state;
    const struct date_header behind = date_header(-HOUR_MS), right = date_header(60000);
    const struct server_answer answers[] = {{.headers = behind.text, .body = "{}"},
                                            {.headers = right.text, .body = "{}"},
                                            {.headers = "Date: soon\r\n", .body = "{}"}};

    script(room, answers, 3);
    call(room, &list);
    assert_near(aws_clock_offset_ms(&room->w.clock), -HOUR_MS);
    call(room, &list);
    assert_int_equal(aws_clock_offset_ms(&room->w.clock), 0);
    call(room, &list);
    assert_int_equal(aws_clock_offset_ms(&room->w.clock), 0);
}

/* Its body holds times: the next one will be made with the right clock. */
static void a_single_attempt_learns_the_clock_and_says_try_again(void **state)
{
    struct room *room = *state;
    const struct date_header ahead = date_header(-HOUR_MS);
    const struct server_answer answers[] = {
        {.status = 403, .headers = ahead.text, .body = EXPIRED_SIGNATURE}};
    struct aws_request request = list;

    request.attempts = 1;
    script(room, answers, 1);
    call(room, &request);
    assert_int_equal(requests(room), 1);
    assert_int_equal(room->err.code, ERR_NET);
    assert_false(room->may_have_arrived);
    assert_contains(room->err.message, "s ahead");
    assert_near(aws_clock_offset_ms(&room->w.clock), -HOUR_MS);
}

static void two_calls_at_once_learn_one_clock(void **state)
{
    struct room *room = *state;
    const struct date_header ahead = date_header(HOUR_MS);
    const struct server_answer answers[] = {
        {.status = 403, .headers = ahead.text, .body = EXPIRED_SIGNATURE},
        {.status = 403, .headers = ahead.text, .body = EXPIRED_SIGNATURE, .delay_ms = 50},
        {.headers = ahead.text, .body = "{}"},
        {.headers = ahead.text, .body = "{}"}};

    script(room, answers, 4);
    start(room, &list);
    start(room, &list);
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    room->finished = false;
    wait_for_end(room);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_int_equal(room->calls_over, 2);
    assert_int_equal(requests(room), 4);
}

static void skew_is_not_believed_without_a_date(void **state)
{
    struct room *room = *state;
    const struct date_header right = date_header(0);
    const struct server_answer answers[] = {
        {.status = 403, .headers = right.text, .body = EXPIRED_SIGNATURE}};

    script(room, answers, 1);
    call(room, &list);
    assert_int_equal(requests(room), 1);
    assert_int_equal(room->err.code, ERR_DENIED);
}

/* --- Credentials ----------------------------------------------------------------------------- */

#define EXPIRED_TOKEN                                                                              \
    {                                                                                              \
        .status = 403, .body = ERROR("ExpiredTokenException", "expired")                           \
    }

static void expired_credentials_are_fetched_anew_once(void **state)
{
    static const struct server_answer answers[] = {
        EXPIRED_TOKEN, {.body = "{}"}, EXPIRED_TOKEN, EXPIRED_TOKEN};
    struct room *room = *state;
    struct aws_request request = list;

    request.attempts = 1; /* it is not counted: nothing was done, and nothing is to be feared */
    script(room, answers, 4);
    call(room, &request);
    assert_int_equal(room->err.code, ERR_NONE);
    assert_int_equal(room->keys->gets, 2);
    assert_signed(request_at(room, 0), "AKID1", USUAL_HEADERS);
    assert_signed(request_at(room, 1), "AKID2", USUAL_HEADERS);

    call(room, &request);
    assert_int_equal(requests(room), 4);
    assert_int_equal(room->err.code, ERR_DENIED);
    assert_string_equal(room->code, "ExpiredTokenException");
    assert_contains(room->err.message, "renew the credentials (test)");
}

static void fetching_anew_leaves_the_other_attempts(void **state)
{
    static const struct server_answer answers[] = {EXPIRED_TOKEN, {.status = 500}, {.body = "{}"}};
    struct room *room = *state;
    struct aws_request request = list;

    request.attempts = 2;
    script(room, answers, 3);
    call(room, &request);
    assert_int_equal(requests(room), 3);
    assert_int_equal(room->err.code, ERR_NONE);
}

static void without_credentials_nothing_is_sent(void **state)
{
    struct room *room = *state;

    room->keys->fail = true;
    call(room, &list);
    assert_int_equal(requests(room), 0);
    assert_int_equal(room->err.code, ERR_DENIED);
    assert_string_equal(room->err.message,
                        "ListThings in eu-west-1: no AWS credentials: nobody has any");
    assert_false(room->may_have_arrived);
    assert_int_equal(room->status, 0);
}

static void a_text_that_could_not_be_written_is_refused(void **state)
{
    struct room *room = *state;
    const struct aws_request request = {.operation = "Put"};

    call(room, &request);
    assert_int_equal(requests(room), 0);
    assert_int_equal(room->err.code, ERR_REJECTED);
}

/* --- Cancelling, and what `done` may do ------------------------------------------------------ */

static void no_word_after_cancelling(void **state)
{
    static const struct server_answer silent[] = {{.fate = SERVER_SILENT}};
    static const struct server_answer slow[] = {
        {.status = 503, .headers = "x-amz-retry-after: 1000\r\n"}};
    struct room *room = *state;

    aws_cancel(NULL);

    /* At once; while credentials are fetched. */
    room->keys->silent = true;
    aws_cancel(start(room, &list));
    struct aws_call *waiting = start(room, &list);
    loop_for(&room->w.loop, 20);
    aws_cancel(waiting);
    assert_int_equal(requests(room), 0);

    /* While the answer is waited for. */
    credentials_cache_free(room->cache);
    room->keys = keys_new(&room->w.loop);
    room->cache = credentials_cache_new(&room->w.loop, &room->keys->provider);
    room_client(room, http_server_url(room->w.server));
    script(room, silent, 1);
    struct aws_call *sent = start(room, &list);
    loop_for(&room->w.loop, 50);
    assert_int_equal(requests(room), 1);
    aws_cancel(sent);

    /* Between two attempts. */
    script(room, slow, 1);
    struct aws_call *pausing = start(room, &list);
    loop_for(&room->w.loop, 50);
    assert_int_equal(requests(room), 2);
    aws_cancel(pausing);

    loop_for(&room->w.loop, 50);
    assert_int_equal(room->calls_over, 0);
}

static void freeing_a_client_cancels_its_calls(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT},
                                                   {.fate = SERVER_SILENT}};
    struct room *room = *state;

    script(room, answers, 2);
    start(room, &list);
    start(room, &list);
    loop_for(&room->w.loop, 50);
    assert_int_equal(requests(room), 2);
    start(room, &list);
    aws_client_free(room->client);
    room->client = NULL;
    loop_for(&room->w.loop, 50);
    assert_int_equal(room->calls_over, 0);
}

static void free_everything(struct room *room)
{
    aws_client_free(room->client);
    room->client = NULL;
    credentials_cache_free(room->cache);
    room->cache = NULL;
    http_client_free(room->w.http);
    room->w.http = NULL;
}

static void done_may_free_everything(void **state)
{
    static const struct server_answer answers[] = {{.body = "{\"a\":1}"}, {.fate = SERVER_SILENT}};
    struct room *room = *state;

    script(room, answers, 2);
    start(room, &list);
    start(room, &list);
    room->then = free_everything;
    wait_for_end(room);
    assert_string_equal(room->body, "{\"a\":1}");
    loop_for(&room->w.loop, 20);
    assert_int_equal(room->calls_over, 1);
}

static void done_may_free_everything_after_a_refusal(void **state)
{
    static const struct server_answer answers[] = {{.status = 400, .body = ERROR("Bad", "no")}};
    struct room *room = *state;

    script(room, answers, 1);
    room->then = free_everything;
    call(room, &list);
    assert_int_equal(room->err.code, ERR_REJECTED);
}

static void done_may_free_everything_without_credentials(void **state)
{
    struct room *room = *state;

    room->keys->fail = true;
    room->then = free_everything;
    call(room, &list);
    assert_int_equal(room->err.code, ERR_DENIED);
}

static void send_once_more(struct room *room)
{
    room->then = NULL;
    aws_cancel(room->other);
    start(room, &list);
}

static void done_may_send_and_cancel(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "{\"a\":1}"}, {.fate = SERVER_SILENT}, {.body = "{\"a\":2}"}};
    struct room *room = *state;

    script(room, answers, 3);
    start(room, &list);
    room->other = start(room, &list);
    room->then = send_once_more;
    wait_for_end(room);
    assert_string_equal(room->body, "{\"a\":2}");
    assert_int_equal(room->calls_over, 2);
    assert_int_equal(requests(room), 3);
}

/* --- Clients --------------------------------------------------------------------------------- */

static void a_client_needs_a_region_and_an_endpoint(void **state)
{
    struct room *room = *state;
    struct aws_client_options options = {.loop = &room->w.loop,
                                         .http = room->w.http,
                                         .credentials = room->cache,
                                         .region = "no region",
                                         .env = &room->w.env};
    struct aws_client *client;
    struct err err;

    assert_false(aws_client_new(&options, &client, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    options.region = REGION;
    world_set(&room->w, "AWS_ENDPOINT_URL", "gopher://x");
    assert_false(aws_client_new(&options, &client, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    world_set(&room->w, "AWS_ENDPOINT_URL", NULL);
    assert_true(aws_client_new(&options, &client, &err));
    assert_string_equal(aws_client_region(client), REGION);
    assert_ptr_equal(aws_client_loop(client), &room->w.loop);
    aws_client_free(client);
    aws_client_free(NULL);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_call_is_signed_and_answered),
        STORY(a_session_token_is_sent_and_signed),
        STORY(a_large_body_is_compressed_where_the_operation_takes_it),
        STORY(an_operation_without_output_needs_no_body),
        STORY(failures_are_told),
        STORY(an_answer_too_large_is_no_fault_of_the_input),
        STORY(the_hint_of_a_refusal_is_told),
        STORY(what_passes_is_tried_again),
        STORY(an_answer_that_never_came_may_have_been_acted_upon),
        STORY(a_first_attempt_that_arrived_is_not_forgotten),
        STORY(a_closed_connection_is_tried_again),
        STORY(a_server_that_is_not_there_has_not_been_reached),
        STORY(a_silent_server_is_given_up),
        STORY(retries_end_when_nothing_succeeds),
        STORY(a_wrong_clock_is_corrected),
        STORY(a_clock_that_was_set_right_is_believed_again),
        STORY(a_single_attempt_learns_the_clock_and_says_try_again),
        STORY(two_calls_at_once_learn_one_clock),
        STORY(skew_is_not_believed_without_a_date),
        STORY(expired_credentials_are_fetched_anew_once),
        STORY(fetching_anew_leaves_the_other_attempts),
        STORY(without_credentials_nothing_is_sent),
        STORY(a_text_that_could_not_be_written_is_refused),
        STORY(no_word_after_cancelling),
        STORY(freeing_a_client_cancels_its_calls),
        STORY(done_may_free_everything),
        STORY(done_may_free_everything_after_a_refusal),
        STORY(done_may_free_everything_without_credentials),
        STORY(done_may_send_and_cancel),
        STORY(a_client_needs_a_region_and_an_endpoint),
    };

    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
