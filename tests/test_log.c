/* Lines of the log: three styles, and nothing in a message that could be taken for another line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/log.h"
#include "aws/common/mem.h"

#define AT_MS 1795528800123 /* 2026-11-24T14:00:00.123Z */

static const struct {
    enum log_style style;
    enum log_level level;
    const char *message, *line;
} cases[] = {
    {LOG_STYLE_TEXT, LOG_INFO, "up", "2026-11-24T14:00:00.123Z INFO  up\n"},
    {LOG_STYLE_TEXT, LOG_ERROR, "down", "2026-11-24T14:00:00.123Z ERROR down\n"},
    {LOG_STYLE_JOURNAL, LOG_WARN, "hm", "<4>hm\n"},
    {LOG_STYLE_JSON, LOG_DEBUG, "a \"b\" \\",
     "{\"time\":\"2026-11-24T14:00:00.123Z\",\"level\":\"debug\",\"message\":\"a \\\"b\\\" "
     "\\\\\"}\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO, "one\nERROR two\x1b[2J\x7f",
     "<6>one\\x0aERROR two\\x1b[2J\\x7f\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO,
     "Gr\xc3\xbc\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x90\x98",
     "<6>Gr\xc3\xbc\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x90\x98\n"},
    /* C1 controls, overlong forms, surrogates, cut characters, what is beyond Unicode */
    {LOG_STYLE_JOURNAL, LOG_INFO, "\xc2\x9b", "<6>\\xc2\\x9b\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO, "\xc0\x8a", "<6>\\xc0\\x8a\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO, "\xed\xa0\x80", "<6>\\xed\\xa0\\x80\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO, "\xe2\x82", "<6>\\xe2\\x82\n"},
    {LOG_STYLE_JOURNAL, LOG_INFO, "\xf4\x90\x80\x80", "<6>\\xf4\\x90\\x80\\x80\n"},
    {LOG_STYLE_JSON, LOG_INFO, "\n\xff",
     "{\"time\":\"2026-11-24T14:00:00.123Z\",\"level\":\"info\",\"message\":\"\\u000a\\ufffd\"}\n"},
};

static void formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char line[LOG_LINE_MAX];
        size_t len = log_format_line(cases[i].style, cases[i].level, AT_MS, cases[i].message, line);

        assert_int_equal(len, strlen(cases[i].line));
        assert_memory_equal(line, cases[i].line, len);
    }
}

static void cuts_long_lines_and_stays_json(void **state)
{
    static const char *const fills[] = {"x", "\"", "\x01", "\xff", "\xe2\x82\xac"};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(fills); i++) {
        char *message = mem_alloc(20001);
        char line[LOG_LINE_MAX];

        for (size_t j = 0; j < 20000 / strlen(fills[i]); j++) {
            memcpy(message + j * strlen(fills[i]), fills[i], strlen(fills[i]));
        }
        size_t len = log_format_line(LOG_STYLE_JSON, LOG_INFO, AT_MS, message, line);

        assert_in_range(len, LOG_LINE_MAX - 20, LOG_LINE_MAX);
        assert_memory_equal(line + len - 6, "...\"}\n", 6);
        json_t *json = json_loadb(line, len - 1, 0, NULL);

        assert_non_null(json);
        json_decref(json);
        free(message);
    }
}

/* What log_at writes while standard error is a pipe. */
static size_t captured(void (*write_some)(void), char *out, size_t room)
{
    int ends[2], saved = dup(STDERR_FILENO);

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    write_some();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t len = read(ends[0], out, room - 1);

    close(ends[0]);
    out[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static void write_two(void)
{
    log_setup(LOG_WARN, LOG_JSON);
    log_info("not %s", "shown");
    log_warn("database %s: down", "orders");
}

/* JOURNAL_STREAM tells of a pipe that is not this one. */
static void write_with_foreign_stream(void)
{
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_setup(LOG_INFO, LOG_TEXT);
    log_info("hello");
}

static void write_with_own_stream(void)
{
    char stream[64];
    struct stat st;

    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_INFO, LOG_TEXT);
    log_info("hello");
}

static void writes_to_standard_error(void **state)
{
    char text[1024];

    (void)state;
    captured(write_two, text, sizeof(text));
    assert_non_null(strstr(text, "\"level\":\"warn\",\"message\":\"database orders: down\"}\n"));
    assert_null(strstr(text, "shown"));
    captured(write_with_foreign_stream, text, sizeof(text));
    assert_non_null(strstr(text, "Z INFO  hello\n"));
    captured(write_with_own_stream, text, sizeof(text));
    assert_string_equal(text, "<6>hello\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(cuts_long_lines_and_stays_json),
        cmocka_unit_test(writes_to_standard_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
