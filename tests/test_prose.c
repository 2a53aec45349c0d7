/* Prose for people: ages, SQL names, and foreign text that must not reach a terminal as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/prose.h"
#include "aws/common/mem.h"

static void ages_are_rounded_down(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{-1, "?"},        {0, "0 s"},        {119.9, "119 s"},
                 {120, "2 min"},   {7199, "119 min"}, {7200, "2 h"},
                 {172799, "47 h"}, {172800, "2 d"},   {8640000, "100 d"}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf text;

        buf_init(&text, 64);
        prose_age(cases[i].seconds, &text);
        assert_string_equal(buf_text(&text), cases[i].text);
        buf_done(&text);
    }
}

static void identifiers_are_quoted_where_they_must(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {{"app", "app"},         {"app_2", "app_2"},      {"my-app", "\"my-app\""},
                 {"App", "\"App\""},     {"user", "\"user\""},    {"a\"b", "\"a\"\"b\""},
                 {"2fast", "\"2fast\""}, {"a\x1b[m", "\"a?[m\""}, {"", "\"\""}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf text;

        buf_init(&text, 64);
        prose_identifier(cases[i].name, &text);
        assert_string_equal(buf_text(&text), cases[i].text);
        buf_done(&text);
    }
}

static void plain_text_holds_nothing_that_a_terminal_obeys(void **state)
{
    static const struct {
        const char *name, *text, *plain;
    } cases[] = {
        {"as it is", "web", "web"},
        {"an escape", "a\x1b[2Jb", "a?[2Jb"},
        {"lines", "  a\n\n\tb  ", "a b"},
        {"UTF-8", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a C1 control",
         "a\xc2\x9b"
         "2Jb",
         "a??2Jb"},
        {"no UTF-8", "a\xff\xc3", "a??"},
        {"a surrogate", "\xed\xa0\x80", "???"},
        {"an overlong slash", "\xe0\x80\xaf", "???"},
        {"cut", "1234567890123", "1234567890..."},
        {"just fits", "1234567890 ", "1234567890"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf text;

        print_message("%s\n", cases[i].name);
        buf_init(&text, 256);
        prose_plain(cases[i].text, 10, &text);
        assert_string_equal(buf_text(&text), cases[i].plain);
        buf_done(&text);
    }
}

static void statements_lose_their_literals(void **state)
{
    static const struct {
        const char *sql, *text;
    } cases[] = {
        {"SELECT 1", "SELECT ?"},
        {"ALTER ROLE app PASSWORD 's3cret'", "ALTER ROLE app PASSWORD ?"},
        {"SELECT 'it''s s3cret', x", "SELECT ?, x"},
        {"SELECT E'a\\'s3cret' || y", "SELECT E? || y"},
        {"SELECT 'a\\' || y", "SELECT ? || y"},
        {"SELECT $1, $2", "SELECT $1, $2"},
        {"SELECT $$s3cret$$, $t$s3$$cret$t$ FROM t", "SELECT ?, ? FROM t"},
        {"SELECT 'cut off s3cr", "SELECT ?"},
        {"SELECT $a$cut off s3cr", "SELECT ?"},
        {"SELECT \"col'umn\", t1.a2 FROM t1", "SELECT \"col'umn\", t1.a2 FROM t1"},
        {"SELECT a -- s3cret\n FROM t", "SELECT a FROM t"},
        {"SELECT a /* s3 /* cr */ et */ FROM t", "SELECT a FROM t"},
        {"SELECT 12.5 + col3\n\nWHERE id = 7", "SELECT ? + col3 WHERE id = ?"},
        {"/* never closed s3cret", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf text;

        print_message("%s\n", cases[i].sql);
        buf_init(&text, 256);
        prose_statement(cases[i].sql, 100, &text);
        assert_string_equal(buf_text(&text), cases[i].text);
        assert_null(strstr(buf_text(&text), "s3"));
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_are_rounded_down),
        cmocka_unit_test(identifiers_are_quoted_where_they_must),
        cmocka_unit_test(plain_text_holds_nothing_that_a_terminal_obeys),
        cmocka_unit_test(statements_lose_their_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
