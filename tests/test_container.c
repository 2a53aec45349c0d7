/* The ECS and EKS credentials endpoint, played by a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/credentials/container_uri.h"
#include "tests/aws_world.h"

#define SET                                                                                        \
    "{\"RoleArn\":\"arn:aws:iam::123456789012:role/task\",\"AccessKeyId\":\"ASIATASK\","           \
    "\"SecretAccessKey\":\"secret\",\"Token\":\"session\","                                        \
    "\"Expiration\":\"2026-08-15T13:36:00Z\"}"

struct container_world {
    struct world w;
    struct provider *provider;
    char url[80];
    char token_path[64];
};

static int set_up(void **state)
{
    struct container_world *c = mem_alloc(sizeof(*c));

    world_init(&c->w);
    c->provider = container_provider_new(&c->w.env);
    snprintf(c->url, sizeof(c->url), "%s/v1/credentials?id=7", http_server_url(c->w.server));
    world_set(&c->w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", c->url);
    snprintf(c->token_path, sizeof(c->token_path), "/tmp/test_container.XXXXXX");
    int fd = mkstemp(c->token_path);
    *state = c;
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    struct container_world *c = *state;

    provider_free(c->provider);
    world_done(&c->w);
    unlink(c->token_path);
    free(c);
    return 0;
}

static void assert_contains(const char *text, const char *part, const char *name)
{
    if (!strstr(text, part)) {
        fail_msg("%s: \"%s\" is not in \"%s\"", name, part, text);
    }
}

static void get(struct container_world *c)
{
    int before = c->w.answers;

    provider_get(c->provider, world_on_answer, &c->w);
    assert_int_equal(c->w.answers, before);
    world_wait(&c->w);
    assert_int_equal(c->w.answers, before + 1);
}

static void assert_code(const struct container_world *c, enum err_code code, const char *name)
{
    if (c->w.err.code != code) {
        fail_msg("%s: code %s: %s", name, err_name(c->w.err.code), c->w.err.message);
    }
}

static const char *authorization(const struct container_world *c, size_t index)
{
    return server_header(http_server_request(c->w.server, index), "Authorization");
}

static void write_token(const struct container_world *c, const char *text)
{
    FILE *file = fopen(c->token_path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* --- Where it may ask --- */

static const struct uri_case {
    const char *uri;
    bool accepted;
} uri_cases[] = {
    {"http://127.0.0.1/x", true},
    {"http://127.8.9.10:8080/x?y=z", true},
    {"http://localhost:1338/x", true},
    {"http://LOCALHOST/x", true},
    {"http://[::1]:80/x", true},
    {"http://[0:0:0:0:0:0:0:1]/x", true},
    {"http://169.254.170.2/v2", true},
    {"http://169.254.170.23/v1/credentials", true},
    {"http://[fd00:ec2::23]/v1/credentials", true},
    {"http://[fd00:0ec2:0::0023]/v1/credentials", true},
    {"https://credentials.example.com/x", true},
    {"https://10.0.0.1/x", true},

    {"http://169.254.169.254/x", false},
    {"http://169.254.170.20/x", false},
    {"http://127.0.0.1.example.com/x", false},
    {"http://localhost.example.com/x", false},
    {"http://example.com/127.0.0.1", false},
    {"http://example.com#127.0.0.1", false},
    {"http://127.0.0.1@example.com/x", false},
    {"http://user:word@127.0.0.1/x", false},
    {"http://10.0.0.1/x", false},
    {"http://[fd00:ec2::254]/x", false},
    {"http://[::]/x", false},
    {"http://[::ffff:127.0.0.1]/x", false},
    {"http://0.0.0.0/x", false},
    {"http:///x", false},
    {"ftp://127.0.0.1/x", false},
    {"file:///etc/passwd", false},
    {"127.0.0.1/x", false},
    {"/v2/credentials", false},
    {"http://127.0.0.1 /x", false},
    {"http://127.0.0.1:99999/x", false},
    {"nonsense", false},
};

static void addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(uri_cases); i++) {
        struct err err = {.code = ERR_NONE};
        bool accepted = container_uri_check(uri_cases[i].uri, &err);

        if (accepted != uri_cases[i].accepted || (!accepted && err.code != ERR_CONFIG)) {
            fail_msg("%s: %s (%s)", uri_cases[i].uri, accepted ? "accepted" : "refused",
                     accepted ? "" : err.message);
        }
    }
}

static void not_configured_is_absent(void **state)
{
    struct container_world *c = *state;

    world_set(&c->w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "");
    get(c);
    assert_code(c, ERR_ABSENT, "nothing set");
    assert_string_equal(c->w.err.message, "AWS_CONTAINER_CREDENTIALS_* is not set");
}

/* The relative address wins: with it being wrong, the full one is not asked. */
static void the_relative_address_wins(void **state)
{
    static const char *const wrong[] = {"@example.com/x", ":8080/x", "x", ".example.com/"};
    struct container_world *c = *state;

    for (size_t i = 0; i < MEM_COUNT(wrong); i++) {
        world_set(&c->w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", wrong[i]);
        get(c);
        assert_code(c, ERR_CONFIG, wrong[i]);
        assert_contains(c->w.err.message, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", wrong[i]);
    }
    assert_int_equal(http_server_count(c->w.server), 0);
}

static void a_foreign_host_gets_nothing(void **state)
{
    struct container_world *c = *state;

    world_set(&c->w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://credentials.example.com/x");
    get(c);
    assert_code(c, ERR_CONFIG, "foreign host");
    assert_contains(c->w.err.message, "not http://credentials.example.com", "foreign host");
}

/* --- What it asks and gets --- */

static void credentials_of_the_task(void **state)
{
    static const struct server_answer answers[] = {{.body = SET}};
    struct container_world *c = *state;

    http_server_script(c->w.server, answers, MEM_COUNT(answers));
    get(c);
    assert_code(c, ERR_NONE, "credentials");
    const struct server_request *request = http_server_request(c->w.server, 0);
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->target, "/v1/credentials?id=7");
    assert_string_equal(server_header(request, "Accept"), "application/json");
    assert_null(server_header(request, "Authorization"));
    assert_string_equal(c->w.credentials.access_key, "ASIATASK");
    assert_string_equal(c->w.credentials.secret_key, "secret");
    assert_string_equal(c->w.credentials.session_token, "session");
    assert_string_equal(c->w.credentials.source, "container");
    assert_true(c->w.credentials.expires_ms == INT64_C(1786800960000));
    assert_false(c->w.credentials.outlives_expiry);
}

static void the_token_file_is_read_for_every_request(void **state)
{
    static const struct server_answer answers[] = {{.body = SET}, {.body = SET}, {.body = SET}};
    struct container_world *c = *state;

    http_server_script(c->w.server, answers, MEM_COUNT(answers));
    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "from the variable");
    get(c);
    assert_string_equal(authorization(c, 0), "from the variable");

    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", c->token_path);
    write_token(c, "Basic first\n");
    get(c);
    assert_string_equal(authorization(c, 1), "Basic first");
    write_token(c, "Basic second\r\n");
    get(c);
    assert_string_equal(authorization(c, 2), "Basic second");
}

static void tokens_that_are_refused(void **state)
{
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"another header", "token\r\nX-Evil: 1", "line break"},
        {"two newlines at the end", "token\n\n", "line break"},
        {"a newline at the start", "\ntoken", "line break"},
        {"a carriage return", "to\rken", "line break"},
        {"empty", "", "empty"},
        {"only a newline", "\n", "empty"},
    };
    struct container_world *c = *state;

    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", c->token_path);
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        write_token(c, cases[i].text);
        get(c);
        assert_code(c, ERR_CONFIG, cases[i].name);
        assert_contains(c->w.err.message, cases[i].message, cases[i].name);
        assert_null(strstr(c->w.err.message, "oken\n"));
    }
    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb");
    get(c);
    assert_code(c, ERR_CONFIG, "the variable");
    assert_int_equal(http_server_count(c->w.server), 0);
}

static void token_files_that_can_not_be_read(void **state)
{
    struct container_world *c = *state;

    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token");
    get(c);
    assert_code(c, ERR_SYSTEM, "missing");
    assert_string_equal(c->w.err.message, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "
                                          "/nonexistent/token: No such file or directory");
    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/tmp");
    get(c);
    assert_code(c, ERR_CONFIG, "a directory");
    world_set(&c->w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/dev/zero");
    get(c);
    assert_code(c, ERR_CONFIG, "endless");
    assert_contains(c->w.err.message, "is no file", "endless");
}

static void refusals_are_told_at_once(void **state)
{
    static const struct {
        struct server_answer answer;
        enum err_code code;
        const char *message;
    } cases[] = {
        {{.status = 404, .body = "no\nrole"}, ERR_DENIED, "answered 404: no role (has the task"},
        {{.status = 400, .body = "{\"code\":\"Invalid\"}"}, ERR_DENIED, "answered 400: {\"code\""},
        {{.status = 302, .headers = "Location: /elsewhere\r\n"}, ERR_DENIED, "302"},
        {{.body = "<html>"}, ERR_PARSE, "not JSON"},
        {{.body = "{}"}, ERR_PARSE, "has no AccessKeyId"},
    };
    struct container_world *c = *state;

    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        http_server_script(c->w.server, &cases[i].answer, 1);
        get(c);
        assert_code(c, cases[i].code, cases[i].message);
        assert_contains(c->w.err.message, cases[i].message, cases[i].message);
    }
    assert_int_equal(http_server_count(c->w.server), MEM_COUNT(cases));
}

static void trouble_that_may_pass_is_tried_three_times_a_second_apart(void **state)
{
    static const struct server_answer answers[] = {
        {.fate = SERVER_CUT, .body = "half of this"}, {.status = 503}, {.body = SET}};
    static const struct server_answer broken[] = {
        {.status = 500}, {.status = 500}, {.status = 500, .body = "still"}};
    struct container_world *c = *state;
    uint64_t start = uv_hrtime();

    http_server_script(c->w.server, answers, MEM_COUNT(answers));
    get(c);
    assert_code(c, ERR_NONE, "the third try");
    assert_in_range((uv_hrtime() - start) / 1000000, 1950, 4000);

    http_server_script(c->w.server, broken, MEM_COUNT(broken));
    get(c);
    assert_code(c, ERR_NET, "broken");
    assert_contains(c->w.err.message, "answered 500: still", "broken");
    assert_int_equal(http_server_count(c->w.server), 6);
}

static void cancelled_means_silent(void **state)
{
    static const struct server_answer answers[] = {{.status = 500}, {.body = SET, .delay_ms = 50}};
    struct container_world *c = *state;

    http_server_script(c->w.server, answers, MEM_COUNT(answers));
    provider_get(c->provider, world_on_answer, &c->w);
    loop_for(&c->w.loop, 50);
    assert_int_equal(http_server_count(c->w.server), 1);
    provider_cancel(c->provider); /* in the pause */
    provider_get(c->provider, world_on_answer, &c->w);
    loop_for(&c->w.loop, 20);
    assert_int_equal(http_server_count(c->w.server), 2);
    provider_cancel(c->provider); /* while it is asked */
    loop_for(&c->w.loop, 1100);
    assert_int_equal(c->w.answers, 0);
    assert_int_equal(http_server_count(c->w.server), 2);
}

static void a_proxy_is_never_asked(void **state)
{
    static const struct server_answer answers[] = {{.body = SET}};
    struct container_world *c = *state;

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    http_server_script(c->w.server, answers, MEM_COUNT(answers));
    get(c);
    unsetenv("http_proxy");
    assert_code(c, ERR_NONE, "no proxy");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        STORY(not_configured_is_absent),
        STORY(the_relative_address_wins),
        STORY(a_foreign_host_gets_nothing),
        STORY(credentials_of_the_task),
        STORY(the_token_file_is_read_for_every_request),
        STORY(tokens_that_are_refused),
        STORY(token_files_that_can_not_be_read),
        STORY(refusals_are_told_at_once),
        STORY(trouble_that_may_pass_is_tried_three_times_a_second_apart),
        STORY(cancelled_means_silent),
        STORY(a_proxy_is_never_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
