#include "agent/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/config.h"
#include "aws/common/mem.h"

#define TEXT_MAX 4096
#define ITEM_MAX 1024

static const struct unit {
    const char *name;
    int64_t factor;
} durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}},
  sizes[] = {{"MB", 1 << 20}, {"KB", 1 << 10}};

/* --- texts ---------------------------------------------------------------------------------- */

static bool check_text(const struct value_rule *rule, const char *text, struct err *err)
{
    if (strlen(text) > TEXT_MAX) {
        return err_set(err, ERR_CONFIG, "is longer than %d bytes", TEXT_MAX);
    }
    return rule->check == NULL || rule->check(text, err);
}

static bool parse_text(const struct value_rule *rule, const char *text, void *field,
                       struct err *err)
{
    if (!check_text(rule, text, err)) {
        return false;
    }
    *(char **)field = mem_strdup(text);
    return true;
}

static bool parse_optional(const struct value_rule *rule, const char *text, void *field,
                           struct err *err)
{
    return text[0] == '\0' || parse_text(rule, text, field, err);
}

static void print_text(const struct value_rule *rule, const void *field, bool reveal,
                       struct buf *out)
{
    const char *text = *(char *const *)field;

    (void)rule;
    (void)reveal;
    buf_puts(out, text != NULL ? text : "");
}

static void accept_text(const struct value_rule *rule, struct buf *out)
{
    (void)rule;
    buf_puts(out, "text");
}

static void done_text(void *field)
{
    free(*(char **)field);
    *(char **)field = NULL;
}

const struct value_type value_text = {parse_text, print_text, accept_text, done_text};
const struct value_type value_optional = {parse_optional, print_text, accept_text, done_text};

/* --- numbers with units --------------------------------------------------------------------- */

static bool parse_units(const char *text, const struct unit *units, size_t count,
                        const struct value_rule *rule, int64_t *out, struct err *err)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0) {
        return err_set(err, ERR_CONFIG, "is no number with a unit");
    }
    if (text[digits] == '\0') {
        return err_set(err, ERR_CONFIG, "has no unit");
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            /* 15 digits can not overflow, whatever the unit: what is longer is out of range. */
            int64_t number = digits <= 9 ? strtoll(text, NULL, 10) : INT64_MAX / units[i].factor;

            *out = number * units[i].factor;
            return (*out >= rule->min && *out <= rule->max) ||
                   err_set(err, ERR_CONFIG, "is out of range");
        }
    }
    return err_set(err, ERR_CONFIG, "has an unknown unit");
}

static void print_units(int64_t number, const struct unit *units, size_t count, struct buf *out)
{
    size_t i = 0;

    while (i + 1 < count && (number % units[i].factor != 0 || number == 0)) {
        i++;
    }
    buf_printf(out, "%" PRId64 "%s", number / units[i].factor, units[i].name);
}

void value_print_duration(int64_t ms, struct buf *out)
{
    print_units(ms, durations, MEM_COUNT(durations), out);
}

static bool parse_duration(const struct value_rule *rule, const char *text, void *field,
                           struct err *err)
{
    int64_t ms = 0;

    if (!parse_units(text, durations, MEM_COUNT(durations), rule, &ms, err)) {
        return false;
    }
    *(int *)field = (int)ms;
    return true;
}

static void print_duration(const struct value_rule *rule, const void *field, bool reveal,
                           struct buf *out)
{
    (void)rule;
    (void)reveal;
    value_print_duration(*(const int *)field, out);
}

static void accept_duration(const struct value_rule *rule, struct buf *out)
{
    value_print_duration(rule->min, out);
    buf_puts(out, " to ");
    value_print_duration(rule->max, out);
}

const struct value_type value_duration = {parse_duration, print_duration, accept_duration, NULL};

static bool parse_size(const struct value_rule *rule, const char *text, void *field,
                       struct err *err)
{
    return parse_units(text, sizes, MEM_COUNT(sizes), rule, field, err);
}

static void print_size(const struct value_rule *rule, const void *field, bool reveal,
                       struct buf *out)
{
    (void)rule;
    (void)reveal;
    print_units(*(const int64_t *)field, sizes, MEM_COUNT(sizes), out);
}

static void accept_size(const struct value_rule *rule, struct buf *out)
{
    print_units(rule->min, sizes, MEM_COUNT(sizes), out);
    buf_puts(out, " to ");
    print_units(rule->max, sizes, MEM_COUNT(sizes), out);
}

const struct value_type value_size = {parse_size, print_size, accept_size, NULL};

static bool parse_integer(const struct value_rule *rule, const char *text, void *field,
                          struct err *err)
{
    size_t len = strlen(text);

    if (len == 0 || strspn(text, "0123456789") != len) {
        return err_set(err, ERR_CONFIG, "is no whole number");
    }
    int64_t number = len <= 15 ? strtoll(text, NULL, 10) : INT64_MAX;

    if (number < rule->min || number > rule->max) {
        return err_set(err, ERR_CONFIG, "is out of range");
    }
    *(int *)field = (int)number;
    return true;
}

static void print_integer(const struct value_rule *rule, const void *field, bool reveal,
                          struct buf *out)
{
    (void)rule;
    (void)reveal;
    buf_printf(out, "%d", *(const int *)field);
}

static void accept_integer(const struct value_rule *rule, struct buf *out)
{
    buf_printf(out, "%" PRId64 " to %" PRId64, rule->min, rule->max);
}

const struct value_type value_integer = {parse_integer, print_integer, accept_integer, NULL};

/* --- words ---------------------------------------------------------------------------------- */

static bool find_word(const struct value_rule *rule, const char *text, int *out, struct err *err)
{
    for (const struct value_word *word = rule->words; word->word != NULL; word++) {
        if (strcmp(word->word, text) == 0) {
            *out = word->number;
            return true;
        }
    }
    return err_set(err, ERR_CONFIG, "is not known");
}

static void print_word(const struct value_rule *rule, int number, struct buf *out)
{
    for (const struct value_word *word = rule->words; word->word != NULL; word++) {
        if (word->number == number) {
            buf_puts(out, word->word);
            return;
        }
    }
}

static void accept_words(const struct value_rule *rule, struct buf *out)
{
    const struct value_word *last = NULL;

    for (const struct value_word *word = rule->words; word->word != NULL; word++) {
        last = word;
    }
    for (const struct value_word *word = rule->words; word->word != NULL; word++) {
        const char *separator = word == last ? " or " : ", ";

        buf_printf(out, "%s%s", word == rule->words ? "" : separator, word->word);
    }
}

static bool parse_choice(const struct value_rule *rule, const char *text, void *field,
                         struct err *err)
{
    return find_word(rule, text, field, err);
}

static void print_choice(const struct value_rule *rule, const void *field, bool reveal,
                         struct buf *out)
{
    (void)reveal;
    print_word(rule, *(const int *)field, out);
}

const struct value_type value_choice = {parse_choice, print_choice, accept_words, NULL};

static bool parse_flag(const struct value_rule *rule, const char *text, void *field,
                       struct err *err)
{
    int number = 0;

    if (!find_word(rule, text, &number, err)) {
        return false;
    }
    *(bool *)field = number != 0;
    return true;
}

static void print_flag(const struct value_rule *rule, const void *field, bool reveal,
                       struct buf *out)
{
    (void)reveal;
    print_word(rule, *(const bool *)field, out);
}

const struct value_type value_flag = {parse_flag, print_flag, accept_words, NULL};

/* --- lists ---------------------------------------------------------------------------------- */

void value_list_add(struct config_list *list, const char *item)
{
    list->items = mem_grow(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = mem_strdup(item);
}

void value_list_done(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct config_list){0};
}

static void done_list(void *field)
{
    value_list_done(field);
}

static bool add_item(const struct value_rule *rule, const char *text, size_t len,
                     struct config_list *list, struct err *err)
{
    if (len > ITEM_MAX) {
        return err_set(err, ERR_CONFIG, "has an item longer than %d bytes", ITEM_MAX);
    }
    if (list->count >= (size_t)rule->max) {
        return err_set(err, ERR_CONFIG, "has more than %" PRId64 " items", rule->max);
    }
    char *item = mem_strndup(text, len);
    bool ok = rule->check == NULL || rule->check(item, err);

    if (ok) {
        value_list_add(list, item);
    }
    free(item);
    return ok;
}

/* Commas or blanks between the items. */
static bool parse_list(const struct value_rule *rule, const char *text, void *field,
                       struct err *err)
{
    static const char between[] = ", \t";

    for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
        size_t len = strcspn(text, between);

        if (!add_item(rule, text, len, field, err)) {
            done_list(field);
            return false;
        }
        text += len;
    }
    return true;
}

static void print_list(const struct value_rule *rule, const void *field, bool reveal,
                       struct buf *out)
{
    const struct config_list *list = field;

    (void)rule;
    (void)reveal;
    for (size_t i = 0; i < list->count; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", list->items[i]);
    }
}

const struct value_type value_list = {parse_list, print_list, accept_text, done_list};

static bool parse_globs(const struct value_rule *rule, const char *text, void *field,
                        struct err *err)
{
    if (strcmp(text, "none") == 0) {
        return true;
    }
    if (!parse_list(rule, text, field, err)) {
        return false;
    }
    return ((struct config_list *)field)->count > 0 || err_set(err, ERR_CONFIG, "is empty");
}

static void print_globs(const struct value_rule *rule, const void *field, bool reveal,
                        struct buf *out)
{
    if (((const struct config_list *)field)->count == 0) {
        buf_puts(out, "none");
    }
    print_list(rule, field, reveal, out);
}

const struct value_type value_globs = {parse_globs, print_globs, accept_text, done_list};

/* --- pairs ---------------------------------------------------------------------------------- */

void value_pairs_set(struct config_pairs *pairs, const char *name, const char *value)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, name) == 0) {
            free(pairs->items[i].value);
            pairs->items[i].value = mem_strdup(value);
            return;
        }
    }
    pairs->items = mem_grow(pairs->items, pairs->count + 1, sizeof(*pairs->items));
    pairs->items[pairs->count++] =
        (struct config_pair){.name = mem_strdup(name), .value = mem_strdup(value)};
}

/* The table's default: none. Pairs come one by one, through value_pairs_set(). */
static bool parse_pairs(const struct value_rule *rule, const char *text, void *field,
                        struct err *err)
{
    (void)rule;
    (void)field;
    return text[0] == '\0' || err_set(err, ERR_CONFIG, "stands without a name");
}

static void print_pairs(const struct value_rule *rule, const void *field, bool reveal,
                        struct buf *out)
{
    const struct config_pairs *pairs = field;

    (void)rule;
    (void)reveal;
    for (size_t i = 0; i < pairs->count; i++) {
        buf_printf(out, "%s%s=%s", i > 0 ? "\n" : "", pairs->items[i].name, pairs->items[i].value);
    }
}

static void done_pairs(void *field)
{
    struct config_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct config_pairs){0};
}

const struct value_type value_pairs = {parse_pairs, print_pairs, accept_text, done_pairs};

/* --- a database's URL ----------------------------------------------------------------------- */

static bool parse_url(const struct value_rule *rule, const char *text, void *field, struct err *err)
{
    (void)rule;
    return text[0] == '\0' || conninfo_parse(text, field, err);
}

static void print_url(const struct value_rule *rule, const void *field, bool reveal,
                      struct buf *out)
{
    (void)rule;
    conninfo_print(field, reveal, out);
}

static void accept_url(const struct value_rule *rule, struct buf *out)
{
    (void)rule;
    buf_puts(out, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with the parameters of libpq or "
                  "Prisma");
}

static void done_url(void *field)
{
    conninfo_done(field);
}

const struct value_type value_url = {parse_url, print_url, accept_url, done_url};

void value_accepted(const struct value_type *type, const struct value_rule *rule, struct buf *out)
{
    if (rule->accepted != NULL) {
        buf_puts(out, rule->accepted);
    } else {
        type->accepted(rule, out);
    }
}
