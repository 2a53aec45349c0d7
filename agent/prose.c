#include "agent/prose.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "aws/common/mem.h"

void prose_age(double seconds, struct buf *out)
{
    static const struct {
        double below, unit;
        const char *name;
    } scale[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {1e300, 86400, "d"}};
    size_t i = 0;

    if (!(seconds >= 0)) {
        buf_puts(out, "?");
        return;
    }
    while (i + 1 < MEM_COUNT(scale) && seconds >= scale[i].below) {
        i++;
    }
    double number = seconds / scale[i].unit;

    buf_printf(out, "%.0f %s", number < 1e15 ? (double)(long long)number : 1e15, scale[i].name);
}

void prose_count(size_t count, const char *noun, struct buf *out)
{
    buf_printf(out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

static bool is_simple(const char *name)
{
    if (!islower((unsigned char)name[0]) && name[0] != '_') {
        return false;
    }
    for (; *name != '\0'; name++) {
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_') {
            return false;
        }
    }
    return true;
}

/* A quoted reserved word is right everywhere; a plain one may not be. */
static bool is_reserved(const char *name)
{
    static const char *const words[] = {"user",         "all",    "default", "current_user",
                                        "session_user", "public", "none",    "table",
                                        "select",       "order",  "group"};

    for (size_t i = 0; i < MEM_COUNT(words); i++) {
        if (strcmp(words[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void prose_identifier(const char *name, struct buf *out)
{
    if (is_simple(name) && !is_reserved(name)) {
        buf_puts(out, name);
        return;
    }
    buf_putc(out, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            buf_putc(out, '"');
        }
        if ((unsigned char)*name < 0x20 || *name == 0x7f) {
            buf_putc(out, '?');
        } else {
            buf_putc(out, *name);
        }
    }
    buf_putc(out, '"');
}

/* The length of the UTF-8 character at text; 0 when there is none. C1 controls count as none. */
static size_t character_at(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t len = c[0] < 0x80                   ? 1
                 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                 : (c[0] & 0xf0) == 0xe0       ? 3
                 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                               : 0;

    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if (len == 2 && c[0] == 0xc2 && c[1] < 0xa0) {
        return 0;
    }
    if (len == 3 && ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f))) {
        return 0;
    }
    if (len == 4 && ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))) {
        return 0;
    }
    return len;
}

static bool is_space(char c)
{
    return c != '\0' && strchr(" \t\r\n\f\v", c) != NULL;
}

void prose_plain(const char *text, size_t characters, struct buf *out)
{
    size_t count = 0;

    while (is_space(*text)) {
        text++;
    }
    while (*text != '\0') {
        size_t space = 0;

        while (is_space(text[space])) {
            space++;
        }
        if (text[space] == '\0') {
            return;
        }
        if (count == characters) {
            buf_puts(out, "...");
            return;
        }
        count++;
        if (space > 0) {
            buf_putc(out, ' ');
            text += space;
            continue;
        }
        size_t len = character_at(text);
        bool shown = len > 0 && (unsigned char)*text >= 0x20 && *text != 0x7f;

        buf_add(out, shown ? text : "?", shown ? len : 1);
        text += len > 0 ? len : 1;
    }
}

size_t prose_length(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

/* --- statements ----------------------------------------------------------------------------- */

/* Behind the quote that ends what begins at text[0]; a literal that is cut off ends with the text.
 */
static const char *behind_quote(const char *text, bool backslashes)
{
    char quote = *text++;

    while (*text != '\0') {
        if ((backslashes && *text == '\\' && text[1] != '\0') ||
            (*text == quote && text[1] == quote)) {
            text += 2;
        } else if (*text++ == quote) {
            break;
        }
    }
    return text;
}

/* "$tag$": its length; 0 when it is none. */
static size_t dollar_tag(const char *text)
{
    size_t len = 1;

    if (isdigit((unsigned char)text[len])) {
        return 0; /* $1 is a parameter */
    }
    while (isalnum((unsigned char)text[len]) || text[len] == '_' || (text[len] & 0x80)) {
        len++;
    }
    return text[len] == '$' ? len + 1 : 0;
}

static const char *behind_dollars(const char *text, size_t tag)
{
    const char *end = memmem(text + tag, strlen(text + tag), text, tag);

    return end ? end + tag : text + strlen(text);
}

/* Comments nest. */
static const char *behind_comment(const char *text)
{
    int depth = 0;

    do {
        if (text[0] == '/' && text[1] == '*') {
            depth++;
            text += 2;
        } else if (text[0] == '*' && text[1] == '/') {
            depth--;
            text += 2;
        } else if (*text != '\0') {
            text++;
        }
    } while (depth > 0 && *text != '\0');
    return text;
}

static bool continues_word(const char *text, const char *start)
{
    return text > start && (isalnum((unsigned char)text[-1]) || text[-1] == '_' ||
                            text[-1] == '$' || (text[-1] & 0x80));
}

/* E'..' obeys backslashes. */
static bool is_escape_literal(const char *text, const char *start)
{
    return text > start && (text[-1] == 'E' || text[-1] == 'e') && !continues_word(text - 1, start);
}

/* Copies a piece without literals; returns what is behind it. */
static const char *copy_piece(const char *text, const char *start, struct buf *out)
{
    size_t tag;

    if (*text == '\'') {
        buf_putc(out, '?');
        return behind_quote(text, is_escape_literal(text, start));
    }
    if (*text == '"') {
        const char *end = behind_quote(text, false);

        buf_add(out, text, (size_t)(end - text));
        return end;
    }
    if (*text == '$' && !continues_word(text, start) && (tag = dollar_tag(text)) > 0) {
        buf_putc(out, '?');
        return behind_dollars(text, tag);
    }
    if (text[0] == '-' && text[1] == '-') {
        buf_putc(out, ' ');
        return text + strcspn(text, "\n");
    }
    if (text[0] == '/' && text[1] == '*') {
        buf_putc(out, ' ');
        return behind_comment(text);
    }
    if (isdigit((unsigned char)*text) && !continues_word(text, start)) {
        buf_putc(out, '?');
        return text + strspn(text, "0123456789.");
    }
    buf_putc(out, *text);
    return text + 1;
}

void prose_statement(const char *sql, size_t characters, struct buf *out)
{
    const char *at = sql;
    struct buf text;

    buf_init(&text, strlen(sql) + 1); /* no piece grows */
    while (*at != '\0') {
        at = copy_piece(at, sql, &text);
    }
    prose_plain(buf_text(&text), characters, out);
    buf_done(&text);
}
