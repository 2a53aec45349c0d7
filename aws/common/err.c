#include "aws/common/err.h"

#include <stdio.h>
#include <string.h>

/* A message that did not fit says so, and is not cut inside a UTF-8 character. */
static void mark_cut(char *message, int len)
{
    if (len >= ERR_MESSAGE_MAX) {
        size_t end = ERR_MESSAGE_MAX - sizeof("...");

        while (end > 0 && ((unsigned char)message[end] & 0xc0) == 0x80) {
            end--;
        }
        memcpy(message + end, "...", sizeof("..."));
    }
}

/* Servers and libraries answer in several lines, and a stranger must not write our log's next one.
 */
static void make_one_line(char *message)
{
    size_t len = 0;

    for (const char *c = message; *c; c++) {
        bool control = (unsigned char)*c < ' ' || *c == 0x7f;

        if (!control) {
            message[len++] = *c;
        } else if (len > 0 && message[len - 1] != ' ') {
            message[len++] = ' ';
        }
    }
    while (len > 0 && message[len - 1] == ' ') {
        len--;
    }
    message[len] = '\0';
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    char message[ERR_MESSAGE_MAX];
    va_list args;

    if (!err) {
        return false;
    }
    /* An argument may be the old message. */
    va_start(args, format);
    int len = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    mark_cut(message, len);
    make_one_line(message);
    err->code = code;
    memcpy(err->message, message, strlen(message) + 1);
    return false;
}

bool err_errno(struct err *err, int errnum, const char *format, ...)
{
    char what[ERR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return err_set(err, ERR_SYSTEM, "%s: %s", what, strerror(errnum));
}

bool err_context(struct err *err, const char *format, ...)
{
    char context[ERR_MESSAGE_MAX];
    va_list args;

    if (!err) {
        return false;
    }
    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    return err_set(err, err->code, "%s: %s", context, err->message);
}

const char *err_name(enum err_code code)
{
    static const char *const names[] = {
#define X(id, name) [id] = (name),
        ERR_MAP(X)
#undef X
    };

    return names[code];
}
