/* Percent-encoding, canonical paths and canonical queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigv4/uri.h"

struct spelling {
    const char *given;
    const char *canonical;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef void write_function(struct text *out, const char *given);

/* Each text is written behind another, which must stay as it is. */
static void check(const struct spelling *table, size_t count, write_function *write)
{
    for (size_t i = 0; i < count; i++) {
        struct text out = {0};
        text_puts(&out, "GET /before\n");
        write(&out, table[i].given);
        assert_memory_equal(text_string(&out), "GET /before\n", 12);
        if (strcmp(text_string(&out) + 12, table[i].canonical) != 0)
            fail_msg("\"%s\": \"%s\", expected \"%s\"", table[i].given, text_string(&out) + 12,
                     table[i].canonical);
        text_done(&out);
    }
}

static void encode(struct text *out, const char *given)
{
    uri_encode(out, given, strlen(given), URI_KEEP_NONE);
}

static void encode_again(struct text *out, const char *given)
{
    uri_encode_again(out, given, strlen(given));
}

static void normalized_path(struct text *out, const char *given)
{
    uri_canonical_path(out, given, false);
}

static void kept_path(struct text *out, const char *given)
{
    uri_canonical_path(out, given, true);
}

static void encoding(void **state)
{
    static const struct spelling table[] = {
        {"", ""},
        {"AZaz09-._~", "AZaz09-._~"},
        {"a b", "a%20b"},
        {"+/=&?", "%2B%2F%3D%26%3F"},
        {"!*'()", "%21%2A%27%28%29"},
        {"100%", "100%25"},
        {"%2f", "%252f"},
        {"\xc3\xa9\xff\x01\x7f", "%C3%A9%FF%01%7F"},
    };

    (void)state;
    check(table, COUNT(table), encode);
}

static void encoding_a_zero_byte(void **state)
{
    struct text out = {0};

    (void)state;
    uri_encode(&out, "a\0b", 3, URI_KEEP_SENT);
    assert_string_equal(text_string(&out), "a%00b");
    text_done(&out);
}

static void encoding_again(void **state)
{
    static const struct spelling table[] = {
        {"a+b", "a%20b"},
        {"a%20b", "a%20b"},
        {"a%2fb%2Fc", "a%2Fb%2Fc"},
        {"%7e%41", "~A"},
        {"%e2%82%ac", "%E2%82%AC"},
        {"%00", "%00"},
        {"%", "%25"},
        {"%4", "%254"},
        {"%zz%4g", "%25zz%254g"},
        {"%25%32%30", "%2520"},
        {"\xe2\x82\xac", "%E2%82%AC"},
    };

    (void)state;
    check(table, COUNT(table), encode_again);
}

static void paths(void **state)
{
    static const struct spelling table[] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/./", "/"},
        {"/..", "/"},
        {"/../../a", "/a"},
        {"/a/b/..", "/a"},
        {"/a/b/../", "/a/"},
        {"/a/.", "/a"},
        {"/a//b///", "/a/b/"},
        {"/a/../..//./b", "/b"},
        {"/...", "/..."},
        {"/.a/..b", "/.a/..b"},
        {"a/b", "/a/b"},
        {"../a", "/a"},
        {"/a b/\xc3\xa9", "/a%20b/%C3%A9"},
        {"/a%20b", "/a%2520b"},
        {"/%2e%2e/", "/%252e%252e/"},
        {"/~*'(", "/~%2A%27%28"},
    };

    (void)state;
    check(table, COUNT(table), normalized_path);
}

static void paths_kept(void **state)
{
    static const struct spelling table[] = {
        {"", "/"}, {"//", "//"}, {"/a/../b/.", "/a/../b/."}, {"/a b", "/a%20b"}, {"a", "/a"},
    };

    (void)state;
    check(table, COUNT(table), kept_path);
}

static void queries(void **state)
{
    static const struct spelling table[] = {
        {"", ""},
        {"a", "a="},
        {"=x", "=x"},
        {"&", "=&="},
        {"a&", "=&a="},
        {"b=2&a=1", "a=1&b=2"},
        {"a=2&a=1&a", "a=&a=1&a=2"},
        {"ab=1&a=2&A=3", "A=3&a=2&ab=1"},
        {"a-b=1&a=2", "a=2&a-b=1"}, /* by name, not by the text: '-' is before '=' */
        {"a=b=c", "a=b=c"},
        {"a=%e2%82%ac&b=%2F", "a=%e2%82%ac&b=%2F"}, /* as it travels */
        {"a=x+y/z:@!*'()", "a=x+y/z:@!*'()"},
        {"k=a b\t", "k=a%20b%09"},
        {"\xe1\x88\xb4=bar", "%E1%88%B4=bar"},
        {"a=\"<>\\^`{|}#", "a=%22%3C%3E%5C%5E%60%7B%7C%7D%23"},
    };

    (void)state;
    check(table, COUNT(table), uri_canonical_query);
}

static void a_failed_text_stays_failed(void **state)
{
    struct text text = {0};
    char *block = calloc(1, TEXT_LIMIT);

    (void)state;
    assert_non_null(block);
    text_add(&text, block, TEXT_LIMIT);
    free(block);
    assert_true(text.failed);
    text_puts(&text, "more");
    uri_canonical_path(&text, "/a/../b", false);
    uri_canonical_query(&text, "b&a");
    assert_int_equal(text.len, 0);
    assert_null(text_take(&text));
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding),
        cmocka_unit_test(encoding_a_zero_byte),
        cmocka_unit_test(encoding_again),
        cmocka_unit_test(paths),
        cmocka_unit_test(paths_kept),
        cmocka_unit_test(queries),
        cmocka_unit_test(a_failed_text_stays_failed),
    };

    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
