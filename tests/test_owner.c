/* Whose an alarm is: the tags that say so, written and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/provision/owner.h"
#include "aws/common/mem.h"

#define OPS "arn:aws:sns:eu-west-1:123456789012:ops"
#define ME  "arn:aws:sns:eu-west-1:123456789012:me"

static struct config *load(const char *text)
{
    static const char *const nothing[] = {NULL};
    const struct config_source source = {.file = "a.conf", .text = text, .environ = nothing};
    struct config *config;
    struct buf errors;

    buf_init(&errors, 65536);
    if (!config_load(&source, &config, &errors)) {
        fail_msg("refused: %s", buf_text(&errors));
    }
    buf_done(&errors);
    return config;
}

#define ORDERS "[database orders]\nurl = postgresql://app@db/orders\n"

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static const struct {
    const char *name;
    struct cloudwatch_tag tags[3];
    size_t count;
    bool managed;
} tag_cases[] = {
    {"none", {{NULL, NULL}}, 0, false},
    {"ours", {{"managed-by", "poolwarden"}}, 1, true},
    {"ours among others", {{"team", "x"}, {"managed-by", "poolwarden"}}, 2, true},
    {"somebody else's", {{"managed-by", "terraform"}}, 1, false},
    {"another key", {{"Managed-By", "poolwarden"}}, 1, false},
    {"swapped", {{"poolwarden", "managed-by"}}, 1, false},
};

static void the_tag_tells_whose_an_alarm_is(void **state)
{
    struct config *config = load(ORDERS);

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(tag_cases); i++) {
        struct owner owner;

        owner_read(config, tag_cases[i].tags, tag_cases[i].count, &owner);
        if (owner.managed != tag_cases[i].managed) {
            fail_msg("%s", tag_cases[i].name);
        }
        assert_int_equal(owner.scope, OWNER_SCOPE_UNKNOWN);
    }
    config_free(config);
}

static struct owner read_mark(const struct config *config, const char *mark)
{
    const struct cloudwatch_tag tags[] = {{"managed-by", "poolwarden"}, {"poolwarden", mark}};
    struct owner owner;

    owner_read(config, tags, MEM_COUNT(tags), &owner);
    return owner;
}

/* Each against the first. */
static const struct {
    const char *name, *text;
    enum owner_scope scope;
} scope_cases[] = {
    {"the same", "[cloudwatch]\ndimension.A = 1\ndimension.B = 2\n" ORDERS, OWNER_SCOPE_SAME},
    {"in another order", "[cloudwatch]\ndimension.B = 2\ndimension.A = 1\n" ORDERS,
     OWNER_SCOPE_SAME},
    {"another value", "[cloudwatch]\ndimension.A = 1\ndimension.B = 3\n" ORDERS, OWNER_SCOPE_OTHER},
    {"values exchanged", "[cloudwatch]\ndimension.A = 2\ndimension.B = 1\n" ORDERS,
     OWNER_SCOPE_OTHER},
    {"one less", "[cloudwatch]\ndimension.A = 1\n" ORDERS, OWNER_SCOPE_OTHER},
    {"another namespace",
     "[cloudwatch]\nnamespace = Staging\ndimension.A = 1\ndimension.B = 2\n" ORDERS,
     OWNER_SCOPE_OTHER},
};

static void the_scope_is_namespace_and_dimensions(void **state)
{
    struct config *first = load(scope_cases[0].text);
    const struct cloudwatch_alarm none = {0};
    char mark[OWNER_MARK_MAX];

    (void)state;
    owner_mark(first, &none, NULL, mark);
    for (size_t i = 0; i < MEM_COUNT(scope_cases); i++) {
        struct config *config = load(scope_cases[i].text);

        if (read_mark(config, mark).scope != scope_cases[i].scope) {
            fail_msg("%s", scope_cases[i].name);
        }
        config_free(config);
    }
    config_free(first);
}

static void an_action_is_known_again_in_its_own_list(void **state)
{
    struct config *config = load(ORDERS);
    const struct cloudwatch_alarm alarm = {.alarm_actions = {text(OPS)}, .ok_actions = {text(ME)}};
    char mark[OWNER_MARK_MAX];

    (void)state;
    owner_mark(config, &alarm, NULL, mark);
    const struct owner owner = read_mark(config, mark);
    assert_true(owner_set(&owner, "actions", OPS));
    assert_true(owner_set(&owner, "ok_actions", ME));
    assert_false(owner_set(&owner, "actions", ME));
    assert_false(owner_set(&owner, "ok_actions", OPS));
    assert_false(owner_set(&owner, "insufficient_data_actions", OPS));
    config_free(config);
}

static void what_was_set_before_stays_in_front(void **state)
{
    struct config *config = load(ORDERS);
    const struct cloudwatch_alarm before = {.alarm_actions = {text(OPS)}},
                                  after = {.alarm_actions = {text(ME)}}, none = {0};
    char old[OWNER_MARK_MAX], both[OWNER_MARK_MAX], same[OWNER_MARK_MAX];

    (void)state;
    owner_mark(config, &before, NULL, old);
    owner_mark(config, &after, old, both);
    assert_memory_equal(both, old, strlen(old));
    const struct owner owner = read_mark(config, both);
    assert_true(owner_set(&owner, "actions", OPS) && owner_set(&owner, "actions", ME));
    owner_mark(config, &before, old, same);
    assert_string_equal(same, old);
    owner_mark(config, &none, old, same);
    assert_string_equal(same, old);
    owner_mark(config, &none, NULL, same);
    assert_null(strstr(same, "actions"));
    config_free(config);
}

/* A tag's value takes 256 of letters, digits, blanks and _.:/=+-@ */
static void a_mark_is_a_tag_s_value_whatever_there_is(void **state)
{
    struct config *config = load(ORDERS);
    char arns[3][5][8], old[OWNER_MARK_MAX] = "", mark[OWNER_MARK_MAX];

    (void)state;
    for (int round = 0; round < 4; round++) {
        struct cloudwatch_alarm alarm = {0};
        char *(*const lists[])[CLOUDWATCH_ACTIONS_MAX] = {&alarm.alarm_actions, &alarm.ok_actions,
                                                          &alarm.insufficient_data_actions};

        for (int list = 0; list < 3; list++) {
            for (int i = 0; i < 5; i++) {
                (void)snprintf(arns[list][i], sizeof(arns[list][i]), "a%d%d%d", round, list, i);
                (*lists[list])[i] = arns[list][i];
            }
        }
        owner_mark(config, &alarm, old[0] != '\0' ? old : NULL, mark);
        assert_in_range(strlen(mark), 1, 256);
        assert_int_equal(
            strspn(mark, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.:/=+-@"),
            strlen(mark));
        memcpy(old, mark, sizeof(old));
    }
    config_free(config);
}

/* Anybody may write anything into a tag. */
static void a_broken_mark_marks_nothing(void **state)
{
    static const char *const marks[] = {"",
                                        "scope",
                                        "scope=",
                                        "actions",
                                        "actions=",
                                        "=",
                                        "scope=x y",
                                        "actions=+",
                                        "actions=++ scope=",
                                        " ",
                                        "actions=5be0 actions=",
                                        "+"};
    struct config *config = load(ORDERS);
    const struct cloudwatch_alarm none = {0};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(marks); i++) {
        const struct owner owner = read_mark(config, marks[i]);
        char mark[OWNER_MARK_MAX];

        assert_false(owner_set(&owner, "actions", OPS));
        assert_int_not_equal(owner.scope, OWNER_SCOPE_SAME);
        owner_mark(config, &none, marks[i], mark);
        assert_null(strstr(mark, "actions"));
    }
    config_free(config);
}

static void all_tags_are_ours_and_the_configured_ones(void **state)
{
    struct config *config = load("[alarms]\ntag.team = payments\n" ORDERS);
    struct cloudwatch_tag tags[OWNER_TAGS_MAX];

    (void)state;
    assert_int_equal(owner_tags(&config->databases[0], "m", tags), 3);
    assert_string_equal(tags[0].key, "managed-by");
    assert_string_equal(tags[0].value, "poolwarden");
    assert_string_equal(tags[1].key, "poolwarden");
    assert_string_equal(tags[1].value, "m");
    assert_string_equal(tags[2].key, "team");
    assert_string_equal(tags[2].value, "payments");
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tag_tells_whose_an_alarm_is),
        cmocka_unit_test(the_scope_is_namespace_and_dimensions),
        cmocka_unit_test(an_action_is_known_again_in_its_own_list),
        cmocka_unit_test(what_was_set_before_stays_in_front),
        cmocka_unit_test(a_mark_is_a_tag_s_value_whatever_there_is),
        cmocka_unit_test(a_broken_mark_marks_nothing),
        cmocka_unit_test(all_tags_are_ours_and_the_configured_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
