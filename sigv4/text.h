/*
 * A string that grows while a request is written down, and leaves no copy of itself in freed
 * memory: a presigned query is a password as long as it is valid.
 *
 * Zero-initialise, add, look at `failed` once at the end: after a failure (no memory, or more than
 * TEXT_LIMIT bytes) every call does nothing. Read it with text_string(); then either text_take()
 * the string or text_done() it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define TEXT_LIMIT ((size_t)16 << 20)

struct text {
    char *bytes; /* ends with NUL; NULL before something was added */
    size_t len;
    size_t size;
    bool failed;
};

/* For text_add(): room for len more bytes and a NUL, which there is not yet. */
bool text_grow(struct text *text, size_t len);

/* Inline, so that a literal is a few moves instead of three calls. */
static inline void text_add(struct text *text, const char *bytes, size_t len)
{
    bool fits = !text->failed && len < text->size - text->len;
    if (!fits && !text_grow(text, len))
        return;
    if (len > 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

static inline void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

/* Adds each of the strings; a NULL ends the list. */
void text_join(struct text *text, ...) __attribute__((sentinel));

/* Shortens the text to its first len bytes. */
void text_cut(struct text *text, size_t len);

/* The text so far, "" when there is none; borrowed until the next change. */
const char *text_string(const struct text *text);

/* Hands the string over, to be freed with text_free(); NULL when the text has failed. */
char *text_take(struct text *text);

void text_done(struct text *text);

/* Wipes and frees a string that text_take() gave away; NULL is fine. */
void text_free(char *string);
