#include "aws/common/mem.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mem_check(void *memory)
{
    if (!memory) {
        fputs("poolwarden: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return mem_check(calloc(1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        mem_check(NULL);
    }
    return mem_check(realloc(old, count * size > 0 ? count * size : 1));
}

char *mem_strdup(const char *text)
{
    return text ? mem_check(strdup(text)) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
    return mem_check(strndup(text, len));
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return mem_check(len < 0 ? NULL : text);
}

void mem_free_secret(char *text)
{
    if (text) {
        OPENSSL_cleanse(text, strlen(text));
        free(text);
    }
}
