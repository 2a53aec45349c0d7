#include "aws/common/xml.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define NAME_MAX_LEN 128

struct reader {
    const char *start, *at, *end;
    struct err *err;
};

static bool fail(const struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_PARSE, "XML: %s at position %zu", what,
                   (size_t)(reader->at - reader->start));
}

static bool begins(const struct reader *reader, const char *text)
{
    return strncmp(reader->at, text, strlen(text)) == 0; /* a NUL stands at the end */
}

static bool skip_behind(struct reader *reader, const char *text)
{
    const char *found = strstr(reader->at, text);

    if (!found) {
        return fail(reader, "the end is missing of what begins");
    }
    reader->at = found + strlen(text);
    return true;
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

/* Declarations and comments, which may stand between any two elements. */
static bool skip_asides(struct reader *reader)
{
    while (begins(reader, "<?") || begins(reader, "<!--")) {
        if (!skip_behind(reader, begins(reader, "<?") ? "?>" : "-->")) {
            return false;
        }
    }
    return !begins(reader, "<!") ||
           fail(reader, "a document type or CDATA, which is not accepted,");
}

/* --- Text --- */

static bool add_character(const char *digits, int base, struct buf *out)
{
    char *stop;
    unsigned long code = strtoul(digits, &stop, base);

    if (*stop != ';' || code == 0 || code > 0x7f) {
        return false; /* nothing that stands in credentials or error messages */
    }
    buf_putc(out, (char)code);
    return true;
}

static bool add_entity(const char *name, struct buf *out)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = {
        {"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''},
    };

    if (name[0] == '#') {
        return name[1] == 'x' ? add_character(name + 2, 16, out) : add_character(name + 1, 10, out);
    }
    for (size_t i = 0; i < MEM_COUNT(entities); i++) {
        if (strncmp(name, entities[i].name, strlen(entities[i].name)) == 0) {
            buf_putc(out, entities[i].character);
            return true;
        }
    }
    return false;
}

/* Up to the next tag. The text behind reader->end is a NUL: entities may be read as strings. */
static bool read_text(struct reader *reader, struct buf *out)
{
    while (reader->at < reader->end && *reader->at != '<') {
        if (*reader->at != '&') {
            buf_putc(out, *reader->at++);
        } else if (!add_entity(reader->at + 1, out) || !skip_behind(reader, ";")) {
            return fail(reader, "an unknown entity");
        }
    }
    return true;
}

/* --- Elements --- */

/* "<Name attributes>" or "<Name/>". */
static bool read_start(struct reader *reader, char name[NAME_MAX_LEN], bool *is_empty)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:";
    const char *close = memchr(reader->at, '>', (size_t)(reader->end - reader->at));
    size_t len = strspn(reader->at + 1, letters);

    if (!close || len == 0 || len >= NAME_MAX_LEN || reader->at + 1 + len > close) {
        return fail(reader, "no tag");
    }
    memcpy(name, reader->at + 1, len);
    name[len] = '\0';
    *is_empty = close[-1] == '/';
    reader->at = close + 1;
    return true;
}

static bool read_end(struct reader *reader, const char *name)
{
    size_t len = strlen(name);

    reader->at += 2; /* "</" */
    if (!begins(reader, name)) {
        return fail(reader, "another element's end");
    }
    reader->at += len;
    skip_blanks(reader);
    if (!begins(reader, ">")) {
        return fail(reader, "no end of a tag");
    }
    reader->at++;
    return true;
}

static bool read_element(struct reader *reader, int depth, json_t *into);

static bool read_children(struct reader *reader, int depth, json_t *children, struct buf *text)
{
    while (skip_asides(reader)) {
        if (begins(reader, "</")) {
            return true;
        }
        bool read = begins(reader, "<") ? read_element(reader, depth + 1, children)
                                        : read_text(reader, text);
        if (!read) {
            return false;
        }
        if (reader->at == reader->end) {
            return fail(reader, "an element without an end");
        }
    }
    return false;
}

/* What was read so far may be a secret. */
static void drop(json_t *value)
{
    json_wipe(value);
    json_decref(value);
}

/* Takes over the reference. */
static void set_first(json_t *into, const char *name, json_t *value)
{
    if (json_object_get(into, name)) {
        drop(value);
    } else {
        mem_check(json_object_set_new(into, name, value) == 0 ? into : NULL);
    }
}

static bool read_content(struct reader *reader, int depth, const char *name, json_t *into)
{
    json_t *children = mem_check(json_object());
    struct buf text;

    buf_init_secret(&text, (size_t)(reader->end - reader->at));
    bool read = read_children(reader, depth, children, &text) && read_end(reader, name);
    json_t *value = NULL;
    if (read && json_object_size(children) > 0) {
        value = json_incref(children);
    } else if (read) {
        value = json_string(buf_text(&text)); /* NULL: no UTF-8 */
        read = value || fail(reader, "a text that is not UTF-8");
    }
    if (value) {
        set_first(into, name, value);
    }
    if (value == children) {
        json_decref(children);
    } else {
        drop(children);
    }
    buf_done(&text);
    return read;
}

static bool read_element(struct reader *reader, int depth, json_t *into)
{
    char name[NAME_MAX_LEN];
    bool is_empty = false;

    if (depth > XML_DEPTH_MAX) {
        return fail(reader, "elements nested too deep");
    }
    if (!read_start(reader, name, &is_empty)) {
        return false;
    }
    if (is_empty) {
        set_first(into, name, mem_check(json_string("")));
        return true;
    }
    return read_content(reader, depth, name, into);
}

static bool read_document(struct reader *reader, json_t *into)
{
    skip_blanks(reader);
    do {
        if (!skip_asides(reader)) {
            return false;
        }
        skip_blanks(reader);
    } while (begins(reader, "<?") || begins(reader, "<!"));
    if (!begins(reader, "<")) {
        return fail(reader, "no element");
    }
    return read_element(reader, 1, into);
}

bool xml_parse(const char *text, size_t len, json_t **out, struct err *err)
{
    char *copy = mem_strndup(text, len); /* ends with a NUL, and at the first one in it */
    struct reader reader = {.start = copy, .at = copy, .end = copy + strlen(copy), .err = err};
    json_t *document = mem_check(json_object());
    bool read = read_document(&reader, document);

    mem_free_secret(copy);
    if (!read) {
        drop(document);
        return false;
    }
    *out = document;
    return true;
}
