/* What is read from INI text, as "line section|key|value" each, and what is told of mistakes. */
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

#include "aws/common/buf.h"
#include "aws/common/ini.h"
#include "aws/common/mem.h"

static const struct ini_dialect with_comments = {.inline_comments = true};
static const struct ini_dialect without_comments = {.inline_comments = false};

static void on_entry(void *arg, const struct ini_entry *entry)
{
    if (entry->key) {
        buf_printf(arg, "%d %s|%s|%s\n", entry->line, entry->section, entry->key, entry->value);
    } else {
        assert_null(entry->value);
        buf_printf(arg, "%d [%s]\n", entry->line, entry->section);
    }
}

struct ini_case {
    const char *name;
    const char *text;
    const char *read;
    const char *mistakes; /* NULL: none */
    const struct ini_dialect *dialect;
};

static const struct ini_case cases[] = {
    {"nothing", "", "", NULL, &with_comments},
    {"an entry before the first section", "a = 1\n", "1 |a|1\n", NULL, &with_comments},
    {"no newline at the end", "[s]\na=1", "1 [s]\n2 s|a|1\n", NULL, &with_comments},
    {"blanks in a section's name", "[database orders]\nurl = x\n",
     "1 [database orders]\n2 database orders|url|x\n", NULL, &with_comments},
    {"blanks around everything", " \t[ s ] \t\n  a b  =\t c  d \n", "1 [s]\n2 s|a b|c  d\n", NULL,
     &with_comments},
    {"an empty section", "[a]\n[b]\n", "1 [a]\n2 [b]\n", NULL, &with_comments},
    {"comments at a line's start", "; one\n# two\n  ; three = 3\na=1\n", "4 |a|1\n", NULL,
     &without_comments},
    {"a comment behind a value", "a = 1s   ; 1s to 60s\nb = 2 # two\nc = 3\t;three\n",
     "1 |a|1s\n2 |b|2\n3 |c|3\n", NULL, &with_comments},
    {"a comment instead of a value", "region =      ; else AWS_REGION\n", "1 |region|\n", NULL,
     &with_comments},
    {"a comment behind a section", "[database]   ; no name = all\n", "1 [database]\n", NULL,
     &with_comments},
    {"signs of comments inside a value", "a = p;w#x\nb =;c\n", "1 |a|p;w#x\n2 |b|;c\n", NULL,
     &with_comments},
    {"no inline comments in this dialect", "a = 1 ; 2 # 3\n", "1 |a|1 ; 2 # 3\n", NULL,
     &without_comments},
    {"the first = divides", "url = postgresql://u@h/d?a=b&c=d\n",
     "1 |url|postgresql://u@h/d?a=b&c=d\n", NULL, &with_comments},
    {"an empty value", "profile =\n", "1 |profile|\n", NULL, &with_comments},
    {"quotes are the value's", "a = \"x\"\n", "1 |a|\"x\"\n", NULL, &with_comments},
    {"the same key twice comes twice", "a=1\na=2\n", "1 |a|1\n2 |a|2\n", NULL, &with_comments},
    {"an indented line is an entry, not a continuation", "a = 1\n   b = 2\n", "1 |a|1\n2 |b|2\n",
     NULL, &with_comments},
    {"CRLF", "[s]\r\na = 1\r\n\r\nb = 2\r\n", "1 [s]\n2 s|a|1\n4 s|b|2\n", NULL, &with_comments},
    {"a byte order mark", "\xef\xbb\xbf[s]\na=1\n", "1 [s]\n2 s|a|1\n", NULL, &with_comments},
    {"a byte order mark alone", "\xef\xbb\xbf", "", NULL, &with_comments},
    {"UTF-8", "[größe]\nä = ö\n", "1 [größe]\n2 größe|ä|ö\n", NULL, &with_comments},
    {"a line that is nothing", "a=1\nsecret\nb=2\n", "1 |a|1\n3 |b|2\n",
     "f:2: neither [section] nor key = value", &with_comments},
    {"no key", "= 1\n", "", "f:1: no key stands before the '='", &with_comments},
    {"a section that does not end", "[s]\na=1\n[t\nb=2\n[u]\nc=3\n",
     "1 [s]\n2 s|a|1\n5 [u]\n6 u|c|3\n", "f:3: the section has no ']'", &with_comments},
    {"a section without a name", "[ ]\na=1\n", "", "f:1: the section has no name", &with_comments},
    {"something behind a section", "[s] t\n", "", "f:1: something follows the section's ']'",
     &with_comments},
    {"each mistake is told", "x\na=1\n=\n", "2 |a|1\n",
     "f:1: neither [section] nor key = value; f:3: no key stands before the '='", &with_comments},
    {"old line ends", "; c\ra=1\r", "", "f:1: a NUL or another control character", &with_comments},
};

static void reads_what_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct ini_case *c = &cases[i];
        struct buf read;
        struct err err = {0};

        buf_init(&read, 10000);
        bool ok = ini_read_text("f", c->text, c->dialect, on_entry, &read, &err);
        if (ok != !c->mistakes || strcmp(buf_text(&read), c->read) != 0) {
            fail_msg("%s: read\n%s\ninstead of\n%s(%s)", c->name, buf_text(&read), c->read,
                     err.message);
        }
        if (c->mistakes) {
            assert_int_equal(err.code, ERR_PARSE);
            assert_string_equal(err.message, c->mistakes);
        }
        buf_done(&read);
    }
}

static void refuses_a_nul(void **state)
{
    static const char text[] = "a=1\nb=2\0c\nd=3\n";
    struct buf read;
    struct err err;

    (void)state;
    buf_init(&read, 1000);
    assert_false(
        ini_read_bytes("f", text, sizeof(text) - 1, &with_comments, on_entry, &read, &err));
    assert_string_equal(err.message, "f:2: a NUL or another control character");
    assert_string_equal(buf_text(&read), "1 |a|1\n3 |d|3\n");
    buf_done(&read);
}

static void takes_lines_up_to_the_limit(void **state)
{
    struct buf text, read;
    struct err err;

    (void)state;
    buf_init(&text, 100000);
    buf_init(&read, 100000);
    buf_puts(&text, "url=");
    while (text.len < INI_LINE_MAX) {
        buf_putc(&text, 'x');
    }
    buf_puts(&text, "\r\n");
    assert_true(ini_read_text("f", buf_text(&text), &with_comments, on_entry, &read, &err));
    assert_int_equal(read.len, strlen("1 |url|\n") + INI_LINE_MAX - strlen("url="));

    buf_clear(&read);
    buf_truncate(&text, INI_LINE_MAX);
    buf_puts(&text, "x\na=1");
    assert_false(ini_read_text("f", buf_text(&text), &with_comments, on_entry, &read, &err));
    assert_string_equal(err.message, "f:1: line longer than 8192 characters");
    assert_string_equal(buf_text(&read), "2 |a|1\n");
    buf_done(&text);
    buf_done(&read);
}

/* A thousand bad lines make a message that is cut, not a larger one. */
static void bounds_its_message(void **state)
{
    struct buf text;
    struct err err;

    (void)state;
    buf_init(&text, 100000);
    for (int i = 0; i < 1000; i++) {
        buf_puts(&text, "nonsense\n");
    }
    assert_false(ini_read_text("f", buf_text(&text), &with_comments, on_entry, NULL, &err));
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    assert_string_equal(err.message + ERR_MESSAGE_MAX - 4, "...");
    buf_done(&text);
}

static void reads_files(void **state)
{
    char path[] = "/tmp/test_ini.XXXXXX";
    int file = mkstemp(path);
    struct buf read;
    struct err err;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, "[s]\na = 1\n", 10), 10);
    buf_init(&read, 1000);
    assert_true(ini_read_file(path, &with_comments, on_entry, &read, &err));
    assert_string_equal(buf_text(&read), "1 [s]\n2 s|a|1\n");

    assert_int_equal(ftruncate(file, (off_t)INI_FILE_MAX + 1), 0);
    assert_false(ini_read_file(path, &with_comments, on_entry, &read, &err));
    assert_int_equal(err.code, ERR_PARSE);
    assert_non_null(strstr(err.message, "larger than 1048576 bytes"));
    close(file);
    unlink(path);
    buf_done(&read);
}

static void tells_why_a_file_can_not_be_read(void **state)
{
    struct err err;

    (void)state;
    assert_false(ini_read_file("/nonexistent/agent.conf", &with_comments, on_entry, NULL, &err));
    assert_int_equal(err.code, ERR_ABSENT);
    assert_string_equal(err.message, "/nonexistent/agent.conf: no such file");
    assert_false(ini_read_file("/tmp", &with_comments, on_entry, NULL, &err));
    assert_int_equal(err.code, ERR_SYSTEM);
    assert_string_equal(err.message, "/tmp: Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),
        cmocka_unit_test(refuses_a_nul),
        cmocka_unit_test(takes_lines_up_to_the_limit),
        cmocka_unit_test(bounds_its_message),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(tells_why_a_file_can_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
