/* Commands cut into words, one named case each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/command_line.h"
#include "aws/common/buf.h"
#include "aws/common/mem.h"

static const struct {
    const char *text;
    const char *words; /* each in brackets; NULL: refused */
    const char *message;
} cases[] = {
    {"journalctl -f -n 0 -u app", "[journalctl][-f][-n][0][-u][app]", NULL},
    {"  cat\t/x ", "[cat][/x]", NULL},
    {"a 'b c' \"d e\" f\\ g", "[a][b c][d e][f g]", NULL},
    {"a 'b\"c' \"d'e\\\"f\" ''", "[a][b\"c][d'e\"f][]", NULL},
    {"a$HOME *|b > c;d", "[a$HOME][*|b][>][c;d]", NULL},
    {"a'b'c", "[abc]", NULL},
    {"a \\", "[a][\\]", NULL},
    {"a 'b", NULL, "has a quote that is not closed"},
    {"", NULL, "names no program"},
    {"'' a", NULL, "names no program"},
};

static void cuts_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf words;
        struct err err;
        char **argv;

        bool ok = command_line_parse(cases[i].text, &argv, &err);
        assert_int_equal(ok, cases[i].words != NULL);
        if (!ok) {
            assert_string_equal(err.message, cases[i].message);
            continue;
        }
        buf_init(&words, 1000);
        for (char **word = argv; *word; word++) {
            buf_printf(&words, "[%s]", *word);
        }
        assert_string_equal(buf_text(&words), cases[i].words);
        buf_done(&words);
        free(argv);
    }
}

static void has_a_limit(void **state)
{
    char text[2 * COMMAND_ARGS_MAX + 3];
    char **argv;
    struct err err;

    (void)state;
    for (size_t i = 0; i <= COMMAND_ARGS_MAX; i++) {
        memcpy(text + 2 * i, "x ", 3);
    }
    assert_false(command_line_parse(text, &argv, &err));
    assert_string_equal(err.message, "has more than 64 words");
    text[2 * COMMAND_ARGS_MAX] = '\0';
    assert_true(command_line_parse(text, &argv, NULL));
    assert_null(argv[COMMAND_ARGS_MAX]);
    free(argv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts_words), cmocka_unit_test(has_a_limit)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
