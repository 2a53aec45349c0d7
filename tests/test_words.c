/* Command lines, taken apart as a shell would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"
#include "aws/common/words.h"

static const struct {
    const char *text;
    const char *words; /* "|" behind each; NULL: refused */
    const char *error; /* part of it */
} cases[] = {
    {"/bin/helper", "/bin/helper|", NULL},
    {"  a \t b\nc  ", "a|b|c|", NULL},
    {"'/opt/a b/helper' --x \"y z\"", "/opt/a b/helper|--x|y z|", NULL},
    {"a'b c'd", "ab cd|", NULL},
    {"a '' \"\"", "a|||", NULL},
    {"'' a", NULL, "names no program"},
    {"journalctl -f -n 0 -u app -o cat", "journalctl|-f|-n|0|-u|app|-o|cat|", NULL},
    {"'a\\b'", "a\\b|", NULL},
    {"\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d|", NULL},
    {"a\\ b \\'", "a b|'|", NULL},
    {"$HOME;*|x", "$HOME;*|x|", NULL}, /* no shell: ordinary letters */
    {"it's", NULL, "has a quote that is not closed"},
    {"\"a", NULL, "has a quote that is not closed"},
    {"a \\", NULL, "backslash"},
    {"", NULL, "names no program"},
    {" \t", NULL, "names no program"},
};

static void splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct words words;
        struct buf seen;
        struct err err = {.code = ERR_NONE};

        bool ok = words_split(cases[i].text, &words, &err);
        assert_int_equal(ok, cases[i].words != NULL);
        if (!ok) {
            assert_int_equal(err.code, ERR_CONFIG);
            assert_non_null(strstr(err.message, cases[i].error));
            continue;
        }
        buf_init(&seen, 1000);
        for (size_t n = 0; n < words.count; n++) {
            buf_printf(&seen, "%s|", words.items[n]);
        }
        assert_null(words.items[words.count]);
        assert_string_equal(buf_text(&seen), cases[i].words);
        buf_done(&seen);
        words_done(&words);
    }
}

static void refuses_too_many(void **state)
{
    char text[2 * WORDS_MAX + 3];
    struct words words;
    struct err err;

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2) {
        text[i] = ' ';
    }
    text[sizeof(text) - 1] = '\0';
    assert_false(words_split(text, &words, &err));
    assert_non_null(strstr(err.message, "more than 64 words"));
    text[2 * WORDS_MAX - 1] = '\0';
    assert_true(words_split(text, &words, &err));
    assert_int_equal(words.count, WORDS_MAX);
    words_done(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(refuses_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
