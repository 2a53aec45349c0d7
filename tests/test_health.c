/* What --health says, and the file it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/health.h"
#include "aws/common/mem.h"

static const struct {
    const char *name;
    struct health health;
    bool healthy;
    const char *says;
} cases[] = {
    {"all well",
     {.told_ms = 99000, .sampled_ms = 99000, .published_ms = 60000, .databases = 2, .up = 2},
     true,
     "healthy: 2 of 2 databases sampled, last sample 1 s ago, last publish acknowledged 40 s ago, "
     "0 datums wait (0 KB)"},
    {"just started",
     {.told_ms = 100000, .databases = 1},
     true,
     "healthy: 0 of 1 databases sampled, last sample not yet, last publish acknowledged not yet, "
     "0 datums wait (0 KB)"},
    {"a database and CloudWatch are down",
     {.told_ms = 99500,
      .sampled_ms = 40000,
      .published_ms = 20000,
      .databases = 1,
      .waiting = 14,
      .spool_bytes = 3000,
      .trouble = "no route"},
     true,
     "healthy: 0 of 1 databases sampled, CloudWatch takes nothing: no route, last sample 60 s ago, "
     "last publish acknowledged 80 s ago, 14 datums wait (3 KB)"},
    {"a follower",
     {.told_ms = 99500, .published_ms = 80000, .databases = 1, .followed = 1},
     true,
     "healthy: 1 sampled by another agent, last sample not yet, last publish acknowledged 20 s "
     "ago, 0 datums wait (0 KB)"},
    {"hangs",
     {.told_ms = 50000, .sampled_ms = 50000, .published_ms = 50000, .databases = 1, .up = 1},
     false,
     "not healthy: the agent has not moved for 50 s; 1 of 1 databases sampled, last sample 50 s "
     "ago, last publish acknowledged 50 s ago, 0 datums wait (0 KB)"},
    {"at fault",
     {.told_ms = 99500,
      .sampled_ms = 70000,
      .published_ms = 70000,
      .databases = 1,
      .fault = "database orders was not attempted for 15 s"},
     false,
     "not healthy: database orders was not attempted for 15 s; 0 of 1 databases sampled, last "
     "sample 30 s ago, last publish acknowledged 30 s ago, 0 datums wait (0 KB)"},
};

static void it_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf says;

        buf_init(&says, 1000);
        assert_int_equal(health_judge(&cases[i].health, 100000, &says), cases[i].healthy);
        assert_string_equal(buf_text(&says), cases[i].says);
        buf_done(&says);
    }
}

static void the_file_is_read_as_it_was_written(void **state)
{
    char path[] = "/tmp/test_health.XXXXXX";
    struct health read;
    struct err err;

    (void)state;
    close(mkstemp(path));
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_true(health_write(&cases[i].health, path, &err));
        assert_true(health_read(path, &read, &err));
        assert_memory_equal(&read, &cases[i].health, offsetof(struct health, trouble));
        assert_string_equal(read.trouble, cases[i].health.trouble);
        assert_string_equal(read.fault, cases[i].health.fault);
    }
    unlink(path);
}

static void what_is_no_status_is_said(void **state)
{
    static const char *const texts[] = {"", "{", "[]x", "{\"told_ms\": \"now\""};
    char path[] = "/tmp/test_health.XXXXXX";
    struct health read;
    struct err err;

    (void)state;
    close(mkstemp(path));
    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        FILE *file = fopen(path, "w");

        fputs(texts[i], file);
        fclose(file);
        assert_false(health_read(path, &read, &err));
        assert_non_null(strstr(err.message, path));
    }
    unlink(path);
    assert_false(health_read(path, &read, &err));
    assert_int_equal(err.code, ERR_ABSENT);
    assert_false(health_write(&cases[0].health, "/proc/nowhere/status.json", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_why),
        cmocka_unit_test(the_file_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_status_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
