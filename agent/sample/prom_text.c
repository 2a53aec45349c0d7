#include "agent/sample/prom_text.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64

struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t')) {
        cursor->at++;
    }
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->at < cursor->end && *cursor->at == c) {
        cursor->at++;
        return true;
    }
    return false;
}

static bool is_name_character(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
}

static bool take_name(struct cursor *cursor, struct prom_text *out)
{
    const char *start = cursor->at;

    while (cursor->at < cursor->end && is_name_character(*cursor->at, cursor->at == start)) {
        cursor->at++;
    }
    *out = (struct prom_text){start, (size_t)(cursor->at - start)};
    return out->len > 0;
}

/* Up to the quote that no backslash stands before. */
static bool take_quoted(struct cursor *cursor, struct prom_text *out)
{
    if (!take(cursor, '"')) {
        return false;
    }
    const char *start = cursor->at;

    while (cursor->at < cursor->end && *cursor->at != '"') {
        cursor->at += *cursor->at == '\\' && cursor->end - cursor->at > 1 ? 2 : 1;
    }
    *out = (struct prom_text){start, (size_t)(cursor->at - start)};
    return take(cursor, '"');
}

static bool take_label(struct cursor *cursor, struct prom_label *out)
{
    skip_blanks(cursor);
    if (!take_name(cursor, &out->name)) {
        return false;
    }
    skip_blanks(cursor);
    if (!take(cursor, '=')) {
        return false;
    }
    skip_blanks(cursor);
    return take_quoted(cursor, &out->value);
}

/* "{a="b",c="d",}", or nothing. */
static bool take_labels(struct cursor *cursor, struct prom_sample *out)
{
    const char *start = cursor->at;

    if (!take(cursor, '{')) {
        return true;
    }
    for (;;) {
        skip_blanks(cursor);
        if (take(cursor, '}')) {
            break;
        }
        if (out->label_count == PROM_LABELS_MAX ||
            !take_label(cursor, &out->labels[out->label_count])) {
            return false;
        }
        out->label_count++;
        skip_blanks(cursor);
        if (!take(cursor, ',') && (cursor->at == cursor->end || *cursor->at != '}')) {
            return false;
        }
    }
    out->labels_text = (struct prom_text){start, (size_t)(cursor->at - start)};
    return true;
}

/* strtod takes hexadecimal numbers too, and wants an end. */
static bool take_number(struct cursor *cursor, double *out)
{
    char copy[NUMBER_MAX];
    size_t len = 0;
    char *end;

    while (cursor->at + len < cursor->end && cursor->at[len] != ' ' && cursor->at[len] != '\t') {
        len++;
    }
    if (len == 0 || len >= sizeof(copy) || memchr(cursor->at, 'x', len) ||
        memchr(cursor->at, 'X', len)) {
        return false;
    }
    memcpy(copy, cursor->at, len);
    copy[len] = '\0';
    *out = strtod(copy, &end);
    cursor->at += len;
    return *end == '\0';
}

struct prom_text prom_name_of(const char *line, size_t len)
{
    struct cursor cursor = {line, line + len};
    struct prom_text name;

    skip_blanks(&cursor);
    (void)take_name(&cursor, &name);
    return name;
}

enum prom_line prom_line_parse(const char *line, size_t len, struct prom_sample *out)
{
    struct cursor cursor = {line, line + len};
    struct prom_sample sample = {0};

    if (len > 0 && line[len - 1] == '\r') {
        cursor.end--;
    }
    skip_blanks(&cursor);
    if (cursor.at == cursor.end || *cursor.at == '#') {
        return PROM_COMMENT;
    }
    if (!take_name(&cursor, &sample.name)) {
        return PROM_BAD;
    }
    skip_blanks(&cursor);
    if (!take_labels(&cursor, &sample)) {
        return PROM_BAD;
    }
    skip_blanks(&cursor);
    if (!take_number(&cursor, &sample.value)) {
        return PROM_BAD;
    }
    *out = sample; /* a timestamp and an exemplar may follow: neither says how much it is */
    return PROM_SAMPLE;
}

bool prom_selector_parse(const char *text, struct prom_sample *out)
{
    struct cursor cursor = {text, text + strlen(text)};
    struct prom_sample selector = {0};

    if (!take_name(&cursor, &selector.name) || !take_labels(&cursor, &selector)) {
        return false;
    }
    skip_blanks(&cursor);
    if (cursor.at != cursor.end) {
        return false;
    }
    *out = selector;
    return true;
}

static bool same(struct prom_text a, struct prom_text b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool has_label(const struct prom_sample *sample, const struct prom_label *wanted)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        if (same(sample->labels[i].name, wanted->name)) {
            return same(sample->labels[i].value, wanted->value);
        }
    }
    return wanted->value.len == 0; /* an absent label is an empty one */
}

bool prom_selects(const struct prom_sample *selector, const struct prom_sample *sample)
{
    if (!same(selector->name, sample->name)) {
        return false;
    }
    for (size_t i = 0; i < selector->label_count; i++) {
        if (!has_label(sample, &selector->labels[i])) {
            return false;
        }
    }
    return true;
}
