#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#define PRINTF_ROOM 128 /* most of what is printed fits */

/* Room for len more bytes and a NUL. */
static bool text_reserve(struct text *text, size_t len)
{
    if (text->failed || len >= TEXT_LIMIT - text->len) {
        text->failed = true;
        return false;
    }
    size_t need = text->len + len + 1;
    if (need <= text->size)
        return true;
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

void text_add(struct text *text, const char *bytes, size_t len)
{
    if (!text_reserve(text, len))
        return;
    if (len > 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

/* What does not fit is written a second time. */
void text_printf(struct text *text, const char *format, ...)
{
    va_list args;

    if (!text_reserve(text, PRINTF_ROOM))
        return;
    size_t room = text->size - text->len;
    va_start(args, format);
    int len = vsnprintf(text->bytes + text->len, room, format, args);
    va_end(args);
    if (len < 0 || !text_reserve(text, (size_t)len)) {
        text->failed = true;
        return;
    }
    if ((size_t)len >= room) {
        va_start(args, format);
        vsnprintf(text->bytes + text->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    text->len += (size_t)len;
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
