/* The instance metadata service, played by a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/credentials/imds.h"
#include "tests/aws_world.h"

#define ROLES "/latest/meta-data/iam/security-credentials/"
#define SET                                                                                        \
    "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"LastUpdated\":\"2026-08-15T12:00:00Z\","        \
    "\"AccessKeyId\":\"ASIAIMDS\",\"SecretAccessKey\":\"secret\",\"Token\":\"session\","           \
    "\"Expiration\":\"2026-08-15T13:36:00Z\"}"

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    world_init(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

static void assert_contains(const char *text, const char *part, const char *name)
{
    if (!strstr(text, part)) {
        fail_msg("%s: \"%s\" is not in \"%s\"", name, part, text);
    }
}

static void assert_request(const struct world *w, size_t index, const char *method,
                           const char *target)
{
    const struct server_request *request = http_server_request(w->server, index);

    assert_string_equal(request->method, method);
    assert_string_equal(request->target, target);
}

static void assert_header(const struct world *w, size_t index, const char *name, const char *value)
{
    const char *found = server_header(http_server_request(w->server, index), name);

    assert_string_equal(found ? found : "(absent)", value ? value : "(absent)");
}

/* --- The client --- */

struct text_world {
    struct world *w;
    struct imds *imds;
    char text[64];
};

static void on_text(void *arg, const char *text, const struct err *err)
{
    struct text_world *t = arg;

    assert_true((text != NULL) != (err != NULL));
    snprintf(t->text, sizeof(t->text), "%s", text ? text : "");
    t->w->err = err ? *err : (struct err){.code = ERR_NONE};
    t->w->answered = true;
    t->w->answers++;
}

static void get_text(struct text_world *t, const char *path)
{
    int before = t->w->answers;

    imds_get(t->imds, path, on_text, t);
    assert_int_equal(t->w->answers, before);
    world_wait(t->w);
    assert_int_equal(t->w->answers, before + 1);
}

static void a_token_then_the_path_with_it(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "TOKEN=="}, {.body = "eu-west-1"}, {.body = "i-0123"}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/latest/meta-data/placement/region");
    assert_string_equal(t.text, "eu-west-1");
    assert_request(t.w, 0, "PUT", "/latest/api/token");
    assert_header(t.w, 0, "x-aws-ec2-metadata-token-ttl-seconds", "21600");
    assert_header(t.w, 0, "Content-Length", "0");
    assert_request(t.w, 1, "GET", "/latest/meta-data/placement/region");
    assert_header(t.w, 1, "x-aws-ec2-metadata-token", "TOKEN==");

    /* The token is kept. */
    get_text(&t, "/latest/meta-data/instance-id");
    assert_string_equal(t.text, "i-0123");
    assert_int_equal(http_server_count(t.w->server), 3);
    assert_header(t.w, 2, "x-aws-ec2-metadata-token", "TOKEN==");
    imds_free(t.imds);
}

static void a_token_that_is_refused_is_fetched_anew_once(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "OLD"}, {.body = "a"},   {.status = 401},   {.body = "NEW"},
        {.body = "b"},   {.status = 401}, {.body = "NEWER"}, {.status = 401}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/a");
    get_text(&t, "/b");
    assert_string_equal(t.text, "b");
    assert_request(t.w, 3, "PUT", "/latest/api/token");
    assert_header(t.w, 4, "x-aws-ec2-metadata-token", "NEW");
    get_text(&t, "/c");
    assert_int_equal(t.w->err.code, ERR_DENIED);
    assert_int_equal(http_server_count(t.w->server), 8);
    imds_free(t.imds);
}

static const struct answer_case {
    const char *name;
    struct server_answer answers[2];
    enum err_code code;
    const char *message;
} answer_cases[] = {
    {"no such path", {{.body = "T"}, {.status = 404}}, ERR_REJECTED, "answered 404 to /path"},
    {"refused", {{.body = "T"}, {.status = 403, .body = "no\r\nway"}}, ERR_DENIED, ": no  way"},
    {"broken", {{.body = "T"}, {.status = 500}}, ERR_NET, "answered 500"},
    {"switched off", {{.status = 403}}, ERR_ABSENT, "403 (the instance has it switched off)"},
    {"another cloud's", {{.status = 405}}, ERR_ABSENT, "not on EC2"},
    {"only version 1", {{.status = 404}}, ERR_ABSENT, "knows no IMDSv2"},
    {"broken at the token", {{.status = 503}}, ERR_NET, "answered 503 to the request for a token"},
    {"a page instead of a token", {{.body = "<html> hello"}}, ERR_PARSE, "is no token"},
    {"an empty token", {{.body = ""}}, ERR_PARSE, "is no token"},
    {"cut off", {{.fate = SERVER_CUT, .body = "TOKEN"}}, ERR_ABSENT, "not on EC2"},
};

static void other_answers(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < MEM_COUNT(answer_cases); i++) {
        const struct answer_case *c = &answer_cases[i];
        struct text_world t = {.w = w, .imds = imds_new(&w->env)};

        http_server_script(w->server, c->answers, MEM_COUNT(c->answers));
        get_text(&t, "/path");
        if (w->err.code != c->code) {
            fail_msg("%s: code %s: %s", c->name, err_name(w->err.code), w->err.message);
        }
        assert_contains(w->err.message, c->message, c->name);
        imds_free(t.imds);
    }
}

static void silence_names_the_hop_limit(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};
    uint64_t start = uv_hrtime();
    char expected[128];

    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/path");
    assert_int_equal(t.w->err.code, ERR_TIMEOUT);
    snprintf(expected, sizeof(expected),
             "no answer from 127.0.0.1:%d in 1 s (not on EC2, or hop limit 1 in a container)",
             http_server_port(t.w->server));
    assert_string_equal(t.w->err.message, expected);
    assert_in_range((uv_hrtime() - start) / 1000000, 900, 2500);
    imds_free(t.imds);
}

static void silence_of_one_that_was_met_is_a_timeout(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "T"}, {.body = "a"}, {.fate = SERVER_SILENT}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/a");
    get_text(&t, "/b");
    assert_int_equal(t.w->err.code, ERR_TIMEOUT);
    imds_free(t.imds);
}

static void nobody_there_is_absent_at_once(void **state)
{
    struct world *w = *state;
    struct http_server *gone = http_server_new(&w->loop);
    struct text_world t = {.w = w, .imds = imds_new(&w->env)};

    world_set(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", http_server_url(gone));
    http_server_free(gone);
    loop_for(&w->loop, 5);
    get_text(&t, "/path");
    assert_int_equal(w->err.code, ERR_ABSENT);
    assert_contains(w->err.message, "(not on EC2)", "refused connection");
    imds_free(t.imds);
}

static void attempts_are_counted(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 503}, {.fate = SERVER_LAST, .status = 500},
        {.body = "T"},   {.status = 503},
        {.status = 503}, {.body = "a"}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    world_set(t.w, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/a");
    assert_string_equal(t.text, "a");
    assert_int_equal(http_server_count(t.w->server), 6);
    imds_free(t.imds);
}

static const struct setting_case {
    const char *name, *variable, *value;
    enum err_code code;
    const char *message;
} setting_cases[] = {
    {"switched off", "AWS_EC2_METADATA_DISABLED", "True", ERR_ABSENT,
     "AWS_EC2_METADATA_DISABLED is true"},
    {"a mode there is not", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5", ERR_CONFIG,
     "must be IPv4 or IPv6"},
    {"no scheme", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "127.0.0.1", ERR_CONFIG, "must begin with"},
    {"not a URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[", ERR_CONFIG, "http://["},
    {"no time", "AWS_METADATA_SERVICE_TIMEOUT", "0", ERR_CONFIG, "from 1 to 60"},
    {"not a number", "AWS_METADATA_SERVICE_TIMEOUT", "1s", ERR_CONFIG, "from 1 to 60"},
    {"too many", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "99999999999999999999", ERR_CONFIG,
     "from 1 to 10"},
};

static void settings(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < MEM_COUNT(setting_cases); i++) {
        const struct setting_case *c = &setting_cases[i];
        struct text_world t = {.w = w, .imds = imds_new(&w->env)};

        world_set(w, c->variable, c->value);
        get_text(&t, "/path");
        if (w->err.code != c->code) {
            fail_msg("%s: code %s: %s", c->name, err_name(w->err.code), w->err.message);
        }
        assert_contains(w->err.message, c->message, c->name);
        world_set(w, c->variable, NULL);
        world_set(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", http_server_url(w->server));
        imds_free(t.imds);
    }
    assert_int_equal(http_server_count(w->server), 0);
}

static void a_slash_behind_the_endpoint_does_no_harm(void **state)
{
    static const struct server_answer answers[] = {{.body = "T"}, {.body = "a"}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};
    char url[80];

    snprintf(url, sizeof(url), "%s//", http_server_url(t.w->server));
    world_set(t.w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/a");
    assert_request(t.w, 0, "PUT", "/latest/api/token");
    imds_free(t.imds);
}

static void a_proxy_is_never_asked(void **state)
{
    static const struct server_answer answers[] = {{.body = "T"}, {.body = "a"}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    get_text(&t, "/a");
    unsetenv("http_proxy");
    assert_string_equal(t.text, "a");
    imds_free(t.imds);
}

static void cancelled_means_silent(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "T", .delay_ms = 50}, {.body = "T"}, {.body = "a"}};
    struct text_world t = {.w = *state, .imds = imds_new(&t.w->env)};

    http_server_script(t.w->server, answers, MEM_COUNT(answers));
    imds_get(t.imds, "/a", on_text, &t);
    imds_cancel(t.imds);
    imds_get(t.imds, "/a", on_text, &t);
    loop_for(&t.w->loop, 20);
    assert_int_equal(http_server_count(t.w->server), 1);
    imds_cancel(t.imds);
    loop_for(&t.w->loop, 80);
    assert_int_equal(t.w->answers, 0);
    get_text(&t, "/a");
    assert_string_equal(t.text, "a");
    imds_get(t.imds, "/a", on_text, &t);
    imds_free(t.imds);
    loop_for(&t.w->loop, 20);
    assert_int_equal(t.w->answers, 1);
}

/* --- The provider --- */

static void get_credentials(struct world *w, struct provider *provider)
{
    int before = w->answers;

    provider_get(provider, world_on_answer, w);
    assert_int_equal(w->answers, before);
    world_wait(w);
    assert_int_equal(w->answers, before + 1);
}

static void a_role_and_its_credentials(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "TOKEN"}, {.body = "my+role\nanother"}, {.body = SET}};
    struct world *w = *state;
    struct provider *provider = imds_provider_new(&w->env);

    http_server_script(w->server, answers, MEM_COUNT(answers));
    get_credentials(w, provider);
    assert_int_equal(w->err.code, ERR_NONE);
    assert_request(w, 1, "GET", ROLES);
    assert_request(w, 2, "GET", ROLES "my+role");
    assert_string_equal(w->credentials.access_key, "ASIAIMDS");
    assert_string_equal(w->credentials.secret_key, "secret");
    assert_string_equal(w->credentials.session_token, "session");
    assert_string_equal(w->credentials.source, "IMDS");
    assert_true(w->credentials.expires_ms == INT64_C(1786800960000));
    assert_true(w->credentials.outlives_expiry);
    provider_free(provider);
}

static const struct refusal_case {
    const char *name;
    struct server_answer answers[3];
    enum err_code code;
    const char *message;
} refusal_cases[] = {
    {"no role", {{.body = "T"}, {.status = 404}}, ERR_ABSENT, "attach an instance profile"},
    {"an empty list", {{.body = "T"}, {.body = ""}}, ERR_ABSENT, "attach an instance profile"},
    {"a role taken away in between",
     {{.body = "T"}, {.body = "role"}, {.status = 404}},
     ERR_ABSENT,
     "attach an instance profile"},
    {"a path instead of a role", {{.body = "T"}, {.body = "../../x"}}, ERR_PARSE, "role's name"},
    {"a role that may not be assumed",
     {{.body = "T"},
      {.body = "role"},
      {.body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume\"}"}},
     ERR_DENIED,
     "role role: AssumeRoleUnauthorizedAccess: EC2 cannot assume"},
    {"a page", {{.body = "T"}, {.body = "role"}, {.body = "<html>"}}, ERR_PARSE, "not JSON"},
    {"half of it",
     {{.body = "T"},
      {.body = "role"},
      {.body = "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"Token\":\"t\"}"}},
     ERR_PARSE,
     "has no SecretAccessKey"},
    {"not a time",
     {{.body = "T"},
      {.body = "role"},
      {.body = "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hidden\",\"Expiration\":\"soon\"}"}},
     ERR_PARSE,
     "Expiration is not a time"},
    {"a list", {{.body = "T"}, {.body = "role"}, {.body = "[1]"}}, ERR_PARSE, "has no AccessKeyId"},
};

static void refusals(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < MEM_COUNT(refusal_cases); i++) {
        const struct refusal_case *c = &refusal_cases[i];
        struct provider *provider = imds_provider_new(&w->env);

        http_server_script(w->server, c->answers, MEM_COUNT(c->answers));
        get_credentials(w, provider);
        if (w->err.code != c->code) {
            fail_msg("%s: code %s: %s", c->name, err_name(w->err.code), w->err.message);
        }
        assert_contains(w->err.message, c->message, c->name);
        assert_null(strstr(w->err.message, "hidden"));
        provider_free(provider);
    }
}

static void credentials_stay_in_use_while_the_service_is_away(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "TOKEN"}, {.body = "role"}, {.body = SET}, {.status = 500}};
    const int64_t after_the_end_ms = INT64_C(1786800960000) + 3600000;
    struct world *w = *state;
    struct credentials_cache *cache = credentials_cache_new(&w->loop, imds_provider_new(&w->env));

    http_server_script(w->server, answers, MEM_COUNT(answers));
    (void)credentials_cache_get(cache, INT64_C(1786797360000), world_on_answer, w);
    world_wait(w);
    for (int i = 0; i < 3; i++) {
        (void)credentials_cache_get(cache, after_the_end_ms + i, world_on_answer, w);
        world_wait(w);
        assert_int_equal(w->err.code, ERR_NONE);
        assert_string_equal(w->credentials.access_key, "ASIAIMDS");
        loop_for(&w->loop, 20);
    }
    assert_int_equal(http_server_count(w->server), 4); /* one try, then a pause */
    credentials_cache_free(cache);
}

struct freer {
    struct provider *provider;
    int calls;
};

static void free_the_provider(void *arg, const struct credentials *credentials,
                              const struct err *err)
{
    struct freer *f = arg;

    f->calls++;
    provider_free(f->provider);
    assert_true(err ? err->message[0] != '\0' : credentials->secret_key[0] != '\0');
}

static void freed_in_its_own_callback(void **state)
{
    static const struct server_answer answers[] = {
        {.body = "TOKEN"}, {.body = "role"}, {.body = SET}, {.status = 403}};
    struct world *w = *state;

    http_server_script(w->server, answers, MEM_COUNT(answers));
    for (int i = 1; i <= 2; i++) {
        struct freer f = {.provider = imds_provider_new(&w->env)};

        provider_get(f.provider, free_the_provider, &f);
        loop_for(&w->loop, 30);
        assert_int_equal(f.calls, 1);
    }
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(a_token_then_the_path_with_it),
        STORY(a_token_that_is_refused_is_fetched_anew_once),
        STORY(other_answers),
        STORY(silence_names_the_hop_limit),
        STORY(silence_of_one_that_was_met_is_a_timeout),
        STORY(nobody_there_is_absent_at_once),
        STORY(attempts_are_counted),
        STORY(settings),
        STORY(a_slash_behind_the_endpoint_does_no_harm),
        STORY(a_proxy_is_never_asked),
        STORY(cancelled_means_silent),
        STORY(a_role_and_its_credentials),
        STORY(refusals),
        STORY(credentials_stay_in_use_while_the_service_is_away),
        STORY(freed_in_its_own_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
