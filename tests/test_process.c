/* credential_process: real commands, run without a shell. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "tests/aws_world.h"

#define DOCUMENT                                                                                   \
    "{\"Version\":1,\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"hidden\",\"SessionToken\":"     \
    "\"token\",\"Expiration\":\"2026-08-15T13:36:00Z\"}"

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

static void run(struct world *w, const char *command)
{
    struct provider *provider = process_provider_new(&w->env, command);

    provider_get(provider, world_on_answer, w);
    world_wait(w);
    provider_free(provider);
}

static void prints_credentials(void **state)
{
    struct world *w = *state;

    run(w, "printf '%s' '" DOCUMENT "'");
    assert_int_equal(w->err.code, ERR_NONE);
    assert_string_equal(w->credentials.access_key, "ASIA");
    assert_string_equal(w->credentials.secret_key, "hidden");
    assert_string_equal(w->credentials.session_token, "token");
    assert_int_equal(w->credentials.expires_ms, INT64_C(1786800960000));
    assert_string_equal(w->credentials.source, "credential_process");

    run(w, "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"b c\"}' $HOME");
    assert_int_equal(w->err.code, ERR_PARSE); /* no shell: $HOME is printed as it is */
}

static const struct {
    const char *name, *command;
    enum err_code code;
    const char *message;
} failures[] = {
    {"no such program", "/nonexistent/helper --token s3cret", ERR_CONFIG,
     "/nonexistent/helper can not be run: no such file or directory"},
    {"a quote", "helper 'x", ERR_CONFIG, "has a quote that is not closed"},
    {"status", "/bin/sh -c 'echo no login >&2; echo more >&2; exit 3' s3cret", ERR_DENIED,
     "/bin/sh: exited with 3: no login more"},
    {"signal", "/bin/sh -c 'kill -9 $$'", ERR_SYSTEM, "was ended by signal 9"},
    {"nothing", "true", ERR_PARSE, "true: "},
    {"garbage", "echo s3cret", ERR_PARSE, "echo: bad JSON at line 1, column 1"},
    {"no version", "echo '{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cret\"}'", ERR_PARSE,
     "its output has no Version 1"},
    {"another version",
     "echo '{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cret\"}'", ERR_PARSE,
     "its output has no Version 1"},
    {"no key", "echo '{\"Version\":1,\"SecretAccessKey\":\"s3cret\"}'", ERR_PARSE,
     "has no AccessKeyId"},
    {"endless", "yes s3cret", ERR_PARSE, "printed more than 65536 bytes"},
};

static void failures_are_told(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < MEM_COUNT(failures); i++) {
        run(w, failures[i].command);
        if (w->err.code != failures[i].code || !strstr(w->err.message, failures[i].message)) {
            fail_msg("%s: %s: %s", failures[i].name, err_name(w->err.code), w->err.message);
        }
        assert_null(strstr(w->err.message, "s3cret"));
    }
}

static void the_child_does_not_see_what_is_ours(void **state)
{
    static const char *const ours[] = {
        "DATABASE_URL=postgresql://app:s3cret@db/x",
        "ORDERS=postgresql://app:s3cret@db/x",
        "POOLWARDEN_CLOUDWATCH_NAMESPACE=s3cret",
        "PGPASSWORD=s3cret",
        "AWS_SECRET_ACCESS_KEY=s3cret",
        "AWS_SESSION_TOKEN=s3cret",
        "MY_PASSWORD=s3cret",
    };
    static const char *const theirs[] = {
        "HTTPS_PROXY=http://user:pass@proxy:3128",
        "AWS_PROFILE=prod",
        "VAULT_ADDR=https://vault:8200",
    };
    struct world *w = *state;

    for (size_t i = 0; i < MEM_COUNT(ours); i++) {
        putenv((char *)(uintptr_t)ours[i]);
    }
    for (size_t i = 0; i < MEM_COUNT(theirs); i++) {
        putenv((char *)(uintptr_t)theirs[i]);
    }
    run(w, "/bin/sh -c 'env >&2; exit 1'");
    assert_null(strstr(w->err.message, "s3cret"));
    run(w, "/bin/sh -c 'env | grep -c s3cret >&2; exit 1'");
    assert_non_null(strstr(w->err.message, "exited with 1: 0"));
    w->env.withheld = (char *[]){(char[]){"DB_PASS"}}; /* as ${DB_PASS} of a configuration */
    w->env.withheld_count = 1;
    setenv("DB_PASS", "s3cret", 1);
    setenv("DB_PASSAGE", "open", 1);
    run(w, "/bin/sh -c 'env | grep -c -e s3cret -e DB_PASS= >&2; echo $DB_PASSAGE >&2; exit 1'");
    assert_non_null(strstr(w->err.message, "exited with 1: 0 open"));
    run(w, "/bin/sh -c 'ls /proc/self/fd | tr \"\\n\" \" \" >&2; exit 1'");
    assert_non_null(strstr(w->err.message, "exited with 1: 0 1 2 3")); /* 3 is ls's own */
    assert_null(strstr(w->err.message, " 4"));
    run(w, "/bin/sh -c 'echo $HTTPS_PROXY $AWS_PROFILE $VAULT_ADDR >&2; exit 1'");
    assert_non_null(strstr(w->err.message, "http://user:pass@proxy:3128 prod https://vault:8200"));
    for (size_t i = 0; i < MEM_COUNT(ours); i++) {
        char *name = mem_strndup(ours[i], strcspn(ours[i], "="));
        unsetenv(name);
        free(name);
    }
}

static void has_nothing_to_read(void **state)
{
    struct world *w = *state;

    run(w, "/bin/sh -c 'cat; echo end >&2; exit 1'");
    assert_non_null(strstr(w->err.message, "exited with 1: end"));
}

/* A cancelled run leaves neither a process nor a zombie, and calls nobody back. */
static void cancelling_ends_the_child(void **state)
{
    struct world *w = *state;
    char path[] = "/tmp/test_process.XXXXXX";
    int fd = mkstemp(path);
    char *command = mem_printf("/bin/sh -c 'echo $$ >%s; sleep 1000'", path);
    struct provider *provider = process_provider_new(&w->env, command);
    long pid = 0;

    assert_true(fd >= 0);
    provider_get(provider, world_on_answer, w);
    for (int i = 0; i < 500 && pid == 0; i++) {
        char text[20] = "";

        uv_run(&w->loop, UV_RUN_NOWAIT);
        assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
        pid = strtol(text, NULL, 10);
        poll(NULL, 0, 10);
    }
    assert_true(pid > 1);
    provider_cancel(provider);
    provider_free(provider);
    for (int i = 0; i < 500 && kill((pid_t)pid, 0) == 0; i++) {
        uv_run(&w->loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 10);
    }
    assert_int_equal(kill((pid_t)pid, 0), -1);
    assert_false(w->answered);
    close(fd);
    unlink(path);
    free(command);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(prints_credentials),
        STORY(failures_are_told),
        STORY(the_child_does_not_see_what_is_ours),
        STORY(has_nothing_to_read),
        STORY(cancelling_ends_the_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
