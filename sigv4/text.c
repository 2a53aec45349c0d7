#include "text.h"

#include <stdarg.h>
#include <string.h>

#include <openssl/crypto.h>

bool text_grow(struct text *text, size_t len)
{
    if (text->failed || len >= TEXT_LIMIT - text->len) {
        text->failed = true;
        return false;
    }
    size_t need = text->len + len + 1;
    size_t size = text->size ? text->size : 512;
    while (size < need)
        size *= 2;
    char *bytes = OPENSSL_clear_realloc(text->bytes, text->size, size);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->size = size;
    return true;
}

void text_join(struct text *text, ...)
{
    va_list strings;

    va_start(strings, text);
    for (const char *string; (string = va_arg(strings, const char *));)
        text_puts(text, string);
    va_end(strings);
}

void text_cut(struct text *text, size_t len)
{
    if (text->failed || len >= text->len)
        return;
    text->len = len;
    text->bytes[len] = '\0';
}

const char *text_string(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

char *text_take(struct text *text)
{
    text_puts(text, ""); /* an empty text is a string too */
    char *string = text->failed ? NULL : text->bytes;
    if (string)
        *text = (struct text){0};
    return string;
}

void text_done(struct text *text)
{
    OPENSSL_clear_free(text->bytes, text->size);
    *text = (struct text){0};
}

void text_free(char *string)
{
    if (string)
        OPENSSL_clear_free(string, strlen(string));
}
