/* The HTTP client against a scripted server on the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <time.h>
#include <uv.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"
#include "aws/http.h"
#include "tests/http_server.h"

#define PATIENCE_MS 10000

/* --- what every test has -------------------------------------------------------------------- */

static uv_loop_t loop;
static struct http_server *server;
static struct http_client *client;
static char url[128];

static int start(void **state)
{
    const struct http_options options = {0};
    struct err err;

    (void)state;
    uv_loop_init(&loop);
    server = http_server_new(&loop);
    snprintf(url, sizeof(url), "%s/path", http_server_url(server));
    return http_client_new(&loop, &options, &client, &err) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_client_free(client);
    http_server_free(server);
    loop_done(&loop);
    return 0;
}

/* What `done` was told. */
struct outcome {
    bool over;
    int calls;
    bool answered;
    int status;
    char body[64];
    size_t body_len;
    bool tls_verified;
    char request_id[32];
    struct err err;
    bool may_have_arrived;
};

static void on_done(void *arg, const struct http_response *response, const struct err *err,
                    bool may_have_arrived)
{
    struct outcome *outcome = arg;

    assert_true(!response != !err);
    outcome->over = true;
    outcome->calls++;
    outcome->may_have_arrived = may_have_arrived;
    if (err) {
        outcome->err = *err;
        return;
    }
    const char *id = http_header_of(response, "X-Amzn-RequestId");
    outcome->answered = true;
    outcome->status = response->status;
    outcome->body_len = response->body_len;
    outcome->tls_verified = response->tls_verified;
    assert_true(response->body[response->body_len] == '\0');
    memcpy(outcome->body, response->body,
           response->body_len < sizeof(outcome->body) ? response->body_len : 0);
    snprintf(outcome->request_id, sizeof(outcome->request_id), "%s", id ? id : "");
}

static void send_and_wait(const struct http_request *request, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    assert_non_null(http_send(client, request, on_done, outcome));
    assert_false(outcome->over); /* never before it has returned */
    assert_true(loop_until(&loop, &outcome->over, PATIENCE_MS));
    assert_int_equal(outcome->calls, 1);
}

static void get(struct outcome *outcome)
{
    const struct http_request request = {.method = "GET", .url = url};

    send_and_wait(&request, outcome);
}

#define SCRIPT(...)                                                                                \
    static const struct server_answer script[] = {__VA_ARGS__};                                    \
    http_server_script(server, script, MEM_COUNT(script))

/* --- answers -------------------------------------------------------------------------------- */

static void two_requests_share_a_connection(void **state)
{
    struct outcome first, second;

    (void)state;
    SCRIPT({.body = "one"}, {.body = "two", .status = 201});
    get(&first);
    get(&second);
    assert_int_equal(first.status, 200);
    assert_string_equal(first.body, "one");
    assert_int_equal(second.status, 201);
    assert_string_equal(second.body, "two");
    assert_false(second.tls_verified);
    assert_int_equal(http_server_request(server, 0)->connection, 0);
    assert_int_equal(http_server_request(server, 1)->connection, 0);
}

static void an_error_status_is_an_answer(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.status = 500, .body = "{}"}, {.status = 302, .headers = "Location: /other\r\n"});
    get(&outcome);
    assert_int_equal(outcome.status, 500);
    assert_string_equal(outcome.body, "{}");
    get(&outcome); /* a redirect would carry credentials away */
    assert_int_equal(outcome.status, 302);
    assert_int_equal(http_server_count(server), 2);
}

static void header_names_have_no_case(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.headers = "x-AMZN-requestid: \t abc-1 \r\n"});
    get(&outcome);
    assert_string_equal(outcome.request_id, "abc-1");
}

static void an_answer_may_come_in_chunks(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.headers = "Transfer-Encoding: chunked\r\n",
            .body = "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Amzn-RequestId: trailer\r\n\r\n"});
    get(&outcome);
    assert_true(outcome.answered);
    assert_string_equal(outcome.body, "abcde");
    assert_string_equal(outcome.request_id, "");
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "12345678"}, {.body = "123456789"});
    const struct http_request request = {.method = "GET", .url = url, .max_response = 8};
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.body_len, 8);
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.err.code, ERR_REJECTED);
    assert_non_null(strstr(outcome.err.message, "larger than allowed"));
    assert_true(outcome.may_have_arrived);
}

static void a_head_over_the_limit_is_refused(void **state)
{
    struct outcome outcome;
    struct buf many;

    (void)state;
    buf_init(&many, 100000);
    for (int i = 0; i < 101; i++) {
        buf_printf(&many, "H%d: v\r\n", i);
    }
    const struct server_answer answer = {.headers = buf_text(&many)};
    http_server_script(server, &answer, 1);
    get(&outcome);
    assert_int_equal(outcome.err.code, ERR_REJECTED);
    assert_non_null(strstr(outcome.err.message, "too many headers"));
    buf_done(&many);
}

/* --- requests ------------------------------------------------------------------------------- */

static void a_put_without_body_says_so(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "token"});
    const struct http_header headers[] = {{"X-Ttl", "21600"}, {"X-Empty", ""}};
    const struct http_request request = {
        .method = "PUT", .url = url, .headers = headers, .header_count = 2};
    send_and_wait(&request, &outcome);
    assert_string_equal(outcome.body, "token");
    const struct server_request *seen = http_server_request(server, 0);
    assert_string_equal(seen->method, "PUT");
    assert_string_equal(server_header(seen, "Content-Length"), "0");
    assert_string_equal(server_header(seen, "X-Ttl"), "21600");
    assert_string_equal(server_header(seen, "X-Empty"), "");
    assert_string_equal(server_header(seen, "User-Agent"), "poolwarden/" POOLWARDEN_VERSION);
    assert_null(server_header(seen, "Content-Type"));
}

static void a_get_has_no_body(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "x"});
    get(&outcome);
    const struct server_request *seen = http_server_request(server, 0);
    assert_string_equal(seen->method, "GET");
    assert_string_equal(seen->target, "/path");
    assert_null(server_header(seen, "Content-Length"));
    assert_null(server_header(seen, "Content-Type"));
}

static void the_path_travels_as_it_stands(void **state)
{
    struct outcome outcome;
    char dotted[160];

    (void)state;
    SCRIPT({.body = "x"});
    snprintf(dotted, sizeof(dotted), "%s/a/../b//c/./d?q=%%20", http_server_url(server));
    const struct http_request request = {.method = "GET", .url = dotted};
    send_and_wait(&request, &outcome);
    assert_string_equal(http_server_request(server, 0)->target, "/a/../b//c/./d?q=%20");
}

static void host_travels_as_given(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "x"});
    const struct http_header headers[] = {{"Host", "monitoring.eu-west-1.amazonaws.com"},
                                          {"Content-Type", "application/x-amz-json-1.0"}};
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .header_count = 2,
                                         .body = "{}",
                                         .body_len = 2};
    send_and_wait(&request, &outcome);
    const struct server_request *seen = http_server_request(server, 0);
    assert_string_equal(server_header(seen, "Host"), "monitoring.eu-west-1.amazonaws.com");
    assert_string_equal(server_header(seen, "Content-Type"), "application/x-amz-json-1.0");
    size_t hosts = 0;
    for (size_t i = 0; i < seen->header_count; i++) {
        hosts += strcmp(seen->headers[i].name, "Host") == 0;
    }
    assert_int_equal(hosts, 1);
}

static void echo(void *arg, const struct server_request *request, struct server_answer *answer)
{
    (void)arg;
    answer->body = request->body;
    answer->body_len = request->body_len;
}

static void bodies_are_bytes(void **state)
{
    static const char bytes[] = "a\0b\xff\r\n\0";
    struct outcome outcome;

    (void)state;
    http_server_on_request(server, echo, NULL);
    const struct http_request request = {
        .method = "POST", .url = url, .body = bytes, .body_len = sizeof(bytes)};
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.body_len, sizeof(bytes));
    assert_memory_equal(outcome.body, bytes, sizeof(bytes));
}

/* Larger than any socket's buffer, so that reading and writing are watched at once; libcurl asks
 * from 1 MiB on. */
static void a_large_body_goes_without_asking(void **state)
{
    size_t len = 1500000;
    char *body = mem_alloc(len);
    struct outcome outcome;

    (void)state;
    memset(body, 'x', len);
    http_server_on_request(server, echo, NULL);
    const struct http_request request = {
        .method = "POST", .url = url, .body = body, .body_len = len, .max_response = len};
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.body_len, len);
    assert_null(server_header(http_server_request(server, 0), "Expect"));
    free(body);
}

static void many_at_once(void **state)
{
    enum { COUNT = 12 };
    const struct http_request request = {.method = "GET", .url = url};
    struct outcome outcomes[COUNT] = {0};

    (void)state;
    http_server_on_request(server, echo, NULL);
    for (int i = 0; i < COUNT; i++) {
        http_send(client, &request, on_done, &outcomes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_true(loop_until(&loop, &outcomes[i].over, PATIENCE_MS));
    }
    loop_for(&loop, 10);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].status, 200);
    }
}

/* --- failures ------------------------------------------------------------------------------- */

static void silence_ends_in_a_time_out(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.fate = SERVER_SILENT});
    const struct http_request request = {.method = "GET", .url = url, .timeout_ms = 100};
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.err.code, ERR_TIMEOUT);
    assert_memory_equal(outcome.err.message, "http://127.0.0.1:", 17);
    assert_true(outcome.may_have_arrived);
    assert_int_equal(http_server_count(server), 1);
}

/* The server waits for the end of a head that is a TLS greeting. */
static void a_handshake_without_end_sends_nothing(void **state)
{
    struct outcome outcome;
    char tls_url[64];

    (void)state;
    snprintf(tls_url, sizeof(tls_url), "https://127.0.0.1:%d/", http_server_port(server));
    const struct http_request request = {
        .method = "POST", .url = tls_url, .body = "x", .body_len = 1, .connect_timeout_ms = 100};
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.err.code, ERR_TIMEOUT);
    assert_false(outcome.may_have_arrived);
    assert_int_equal(http_server_count(server), 0);
}

static void a_refused_connection_sends_nothing(void **state)
{
    struct outcome outcome;

    (void)state;
    http_server_free(server); /* frees the port */
    loop_for(&loop, 1);
    get(&outcome);
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_false(outcome.may_have_arrived);
    assert_non_null(strstr(outcome.err.message, "(check routes"));
    server = http_server_new(&loop);
}

static void a_cut_answer_is_none(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.fate = SERVER_CUT, .body = "half of this"}, {.fate = SERVER_CLOSE});
    get(&outcome);
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_true(outcome.may_have_arrived);
    get(&outcome);
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_true(outcome.may_have_arrived);
}

/* libcurl's own doing: a kept connection that closes without a byte of answer was closed before the
 * request. */
static void a_kept_connection_that_was_closed_is_replaced(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "one"}, {.fate = SERVER_CLOSE}, {.body = "again"});
    get(&outcome);
    get(&outcome);
    assert_string_equal(outcome.body, "again");
    assert_int_equal(http_server_request(server, 1)->connection, 0);
    assert_int_equal(http_server_request(server, 2)->connection, 1);
}

struct bad_request {
    const char *name;
    struct http_request request;
    enum err_code code;
};

static void what_can_not_be_sent_is_refused_later(void **state)
{
    static const struct http_header split[] = {{"Authorization", "a\r\nX-Evil: 1"}};
    static const struct http_header colon[] = {{"A: b", "c"}};
    static const struct http_header nameless[] = {{"", "c"}};
    const struct bad_request cases[] = {
        {"line break in a value", {.headers = split, .header_count = 1}, ERR_REJECTED},
        {"colon in a name", {.headers = colon, .header_count = 1}, ERR_REJECTED},
        {"no name", {.headers = nameless, .header_count = 1}, ERR_REJECTED},
        {"blank in the method", {.method = "GET / HTTP/1.1"}, ERR_REJECTED},
        {"not a URL", {.url = "http://[::1"}, ERR_CONFIG},
        {"line break in the URL", {.url = "http://127.0.0.1/\r\nX: 1"}, ERR_CONFIG},
        {"another scheme", {.url = "file:///etc/passwd"}, ERR_CONFIG},
        {"nothing", {.url = ""}, ERR_CONFIG},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct http_request request = cases[i].request;
        struct outcome outcome;

        request.method = request.method ? request.method : "GET";
        request.url = request.url ? request.url : url;
        send_and_wait(&request, &outcome);
        if (outcome.err.code != cases[i].code || outcome.may_have_arrived) {
            fail_msg("%s: %s: %s", cases[i].name, err_name(outcome.err.code), outcome.err.message);
        }
    }
    assert_int_equal(http_server_count(server), 0);
}

static void messages_hold_no_secret_of_the_url(void **state)
{
    const struct http_request request = {
        .method = "GET", .url = "http://user:secret@127.0.0.1:1/secret?secret=1#secret"};
    struct outcome outcome;

    (void)state;
    send_and_wait(&request, &outcome);
    assert_memory_equal(outcome.err.message, "http://127.0.0.1:1: ", 20);
    assert_null(strstr(outcome.err.message, "secret"));
}

/* --- names ---------------------------------------------------------------------------------- */

/* DNS is gone for one name; libcurl finds this function before libc's. */
static pthread_mutex_t dns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t dns_changed = PTHREAD_COND_INITIALIZER;
static bool dns_is_gone;
static bool dns_is_asked;

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name && strcmp(name, "gone.test") == 0) {
        pthread_mutex_lock(&dns_lock);
        dns_is_asked = true;
        while (dns_is_gone) {
            pthread_cond_wait(&dns_changed, &dns_lock);
        }
        dns_is_asked = false;
        pthread_cond_signal(&dns_changed);
        pthread_mutex_unlock(&dns_lock);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, out);
}

static void *restore_dns(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&dns_lock);
    dns_is_gone = false;
    pthread_cond_broadcast(&dns_changed);
    pthread_mutex_unlock(&dns_lock);
    return NULL;
}

static void a_name_without_address_is_told(void **state)
{
    const struct http_request request = {.method = "GET", .url = "http://gone.test/"};
    struct outcome outcome;

    (void)state;
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_false(outcome.may_have_arrived);
    assert_non_null(strstr(outcome.err.message, "DNS"));
}

/*
 * The look-up goes on for as long as the test likes; the loop does not wait for it. If it did, it
 * would stand still for ever: the alarm of the test's runner, ctest --timeout, tells.
 */
static void a_look_up_without_end_does_not_stop_the_loop(void **state)
{
    const struct http_request request = {
        .method = "GET", .url = "http://gone.test/", .connect_timeout_ms = 100};
    struct outcome outcome;

    (void)state;
    dns_is_gone = true;
    send_and_wait(&request, &outcome);
    assert_int_equal(outcome.err.code, ERR_TIMEOUT);
    assert_false(outcome.may_have_arrived);
    pthread_mutex_lock(&dns_lock);
    assert_true(dns_is_asked && dns_is_gone);
    pthread_mutex_unlock(&dns_lock);

    restore_dns(NULL);
    pthread_mutex_lock(&dns_lock);
    while (dns_is_asked) {
        pthread_cond_wait(&dns_changed, &dns_lock);
    }
    pthread_mutex_unlock(&dns_lock);
}

/* --- proxies -------------------------------------------------------------------------------- */

static void a_proxy_is_honoured_unless_told_not_to(void **state)
{
    struct http_request request = {.method = "GET", .url = "http://gone.test/latest"};
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "through the proxy"}, {.body = "direct"});
    setenv("http_proxy", http_server_url(server), 1);
    send_and_wait(&request, &outcome);
    assert_string_equal(outcome.body, "through the proxy");
    assert_string_equal(http_server_request(server, 0)->target, "http://gone.test/latest");

    request.url = url;
    request.no_proxy = true;
    send_and_wait(&request, &outcome);
    assert_string_equal(outcome.body, "direct");
    assert_string_equal(http_server_request(server, 1)->target, "/path");
    unsetenv("http_proxy");
}

/* --- whatever `done` does ------------------------------------------------------------------- */

static void on_done_free(void *arg, const struct http_response *response, const struct err *err,
                         bool may_have_arrived)
{
    http_client_free(client);
    client = NULL;
    on_done(arg, response, err, may_have_arrived); /* the answer outlives the client */
}

/* Two answers in one turn: the second must not be told any more. */
static void a_client_freed_in_its_callback(void **state)
{
    const struct http_request request = {.method = "GET", .url = url};
    struct outcome first = {0}, second = {0};

    (void)state;
    SCRIPT({.body = "one"}, {.body = "two"});
    http_send(client, &request, on_done_free, &first);
    http_send(client, &request, on_done_free, &second);
    bool *over = &first.over;
    for (int i = 0; i < 1000 && !first.over && !second.over; i++) {
        (void)loop_until(&loop, over, 10);
    }
    loop_for(&loop, 20);
    assert_int_equal(first.calls + second.calls, 1);
    assert_int_equal(first.answered ? first.body_len : second.body_len, 3);
}

static void a_client_freed_while_told_of_a_refusal(void **state)
{
    const struct http_request request = {.method = "G T", .url = url};
    struct outcome first = {0}, second = {0};

    (void)state;
    http_send(client, &request, on_done_free, &first);
    http_send(client, &request, on_done_free, &second);
    assert_true(loop_until(&loop, &second.over, PATIENCE_MS));
    loop_for(&loop, 10);
    assert_int_equal(first.calls + second.calls, 1);
}

static void a_client_freed_at_every_turn(void **state)
{
    const struct http_request request = {.method = "GET", .url = url};

    (void)state;
    http_server_on_request(server, echo, NULL);
    for (int turns = 0; turns < 12; turns++) {
        const struct http_options options = {0};
        struct outcome outcome = {0};
        struct err err;

        http_send(client, &request, on_done, &outcome);
        for (int i = 0; i < turns; i++) {
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        int calls = outcome.calls;
        http_client_free(client);
        loop_for(&loop, 5);
        assert_int_equal(outcome.calls, calls);
        assert_true(http_client_new(&loop, &options, &client, &err));
    }
}

static struct http_transfer *other;

static void on_done_cancel_other(void *arg, const struct http_response *response,
                                 const struct err *err, bool may_have_arrived)
{
    http_cancel(other);
    on_done(arg, response, err, may_have_arrived);
}

static void after_cancel_nothing_is_told(void **state)
{
    const struct http_request request = {.method = "GET", .url = url, .timeout_ms = 50};
    const struct http_request refused = {.method = "G T", .url = url};
    struct outcome cancelled = {0}, outcome = {0};

    (void)state;
    SCRIPT({.fate = SERVER_SILENT}, {.body = "one", .delay_ms = 5});
    http_cancel(http_send(client, &request, on_done, &cancelled)); /* at once */
    http_cancel(http_send(client, &refused, on_done, &cancelled));
    other = http_send(client, &request, on_done, &cancelled);
    while (http_server_count(server) < 1) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    http_send(client, &request, on_done_cancel_other, &outcome); /* while the other waits */
    assert_true(loop_until(&loop, &outcome.over, PATIENCE_MS));
    loop_for(&loop, 100); /* its time would be over by now */
    assert_int_equal(cancelled.calls, 0);
    http_cancel(NULL);
}

static void on_done_cancel_itself(void *arg, const struct http_response *response,
                                  const struct err *err, bool may_have_arrived)
{
    http_cancel(other);
    on_done(arg, response, err, may_have_arrived);
}

static void a_transfer_cancelled_in_its_callback(void **state)
{
    const struct http_request request = {.method = "GET", .url = url};
    struct outcome outcome = {0};

    (void)state;
    SCRIPT({.body = "one"});
    other = http_send(client, &request, on_done_cancel_itself, &outcome);
    assert_true(loop_until(&loop, &outcome.over, PATIENCE_MS));
    assert_string_equal(outcome.body, "one");
}

static void on_done_send(void *arg, const struct http_response *response, const struct err *err,
                         bool may_have_arrived)
{
    const struct http_request request = {.method = "GET", .url = url};

    assert_non_null(response);
    (void)err;
    (void)may_have_arrived;
    http_send(client, &request, on_done, arg);
}

static void one_request_after_the_other(void **state)
{
    const struct http_request request = {.method = "GET", .url = url};
    struct outcome outcome = {0};

    (void)state;
    SCRIPT({.body = "one"}, {.body = "two"});
    http_send(client, &request, on_done_send, &outcome);
    assert_true(loop_until(&loop, &outcome.over, PATIENCE_MS));
    assert_string_equal(outcome.body, "two");
    assert_int_equal(http_server_request(server, 1)->connection, 0);
}

/* Kept connections do not keep the loop: an agent can leave. */
static void an_idle_client_lets_the_loop_end(void **state)
{
    struct outcome outcome;

    (void)state;
    SCRIPT({.body = "one"});
    get(&outcome);
    http_server_free(server);
    loop_for(&loop, 10);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_false(uv_loop_alive(&loop));
    server = http_server_new(&loop);
}

int main(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

    for (size_t i = 0; i < MEM_COUNT(proxies); i++) {
        unsetenv(proxies[i]);
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(two_requests_share_a_connection),
        TEST(an_error_status_is_an_answer),
        TEST(header_names_have_no_case),
        TEST(an_answer_may_come_in_chunks),
        TEST(an_answer_over_the_limit_is_refused),
        TEST(a_head_over_the_limit_is_refused),
        TEST(a_put_without_body_says_so),
        TEST(a_get_has_no_body),
        TEST(the_path_travels_as_it_stands),
        TEST(host_travels_as_given),
        TEST(bodies_are_bytes),
        TEST(a_large_body_goes_without_asking),
        TEST(many_at_once),
        TEST(silence_ends_in_a_time_out),
        TEST(a_handshake_without_end_sends_nothing),
        TEST(a_refused_connection_sends_nothing),
        TEST(a_cut_answer_is_none),
        TEST(a_kept_connection_that_was_closed_is_replaced),
        TEST(what_can_not_be_sent_is_refused_later),
        TEST(messages_hold_no_secret_of_the_url),
        TEST(a_name_without_address_is_told),
        TEST(a_look_up_without_end_does_not_stop_the_loop),
        TEST(a_proxy_is_honoured_unless_told_not_to),
        TEST(a_client_freed_in_its_callback),
        TEST(a_client_freed_while_told_of_a_refusal),
        TEST(a_client_freed_at_every_turn),
        TEST(after_cancel_nothing_is_told),
        TEST(a_transfer_cancelled_in_its_callback),
        TEST(one_request_after_the_other),
        TEST(an_idle_client_lets_the_loop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
