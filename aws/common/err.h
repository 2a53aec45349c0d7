/*
 * What went wrong: a code, which is a decision for the caller, and a sentence, which is for a
 * human.
 *
 * A fallible function returns bool and takes a struct err last, on the caller's stack. It fills it
 * on failure only. On the way up each caller may add what it knows in front ("database orders:
 * connect: ...") with err_context(). Whoever stops the error logs it, once.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#define PW_CHECK               __attribute__((warn_unused_result))
#define PW_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Each code is one reaction. */
#define ERR_MAP(X)                                                                                 \
    X(ERR_NONE, "none")                                                                            \
    X(ERR_CONFIG, "config")   /* a person must change something; trying again is idle */           \
    X(ERR_PARSE, "parse")     /* foreign bytes that do not have the agreed form */                 \
    X(ERR_NET, "net")         /* not reached, reset, refused: try again */                         \
    X(ERR_TIMEOUT, "timeout") /* no answer within the deadline: try again, it may have acted */    \
    X(ERR_DENIED, "denied")   /* known and refused: credentials, permissions, privileges */        \
    X(ERR_THROTTLED, "throttled") /* too often: try again later */                                 \
    X(ERR_REJECTED, "rejected")   /* this very input is bad: the same again is bad again */        \
    X(ERR_ABSENT, "absent")       /* not there: a provider not configured, a thing not found */    \
    X(ERR_FULL, "full")           /* no room: the server's slots, a bounded queue */               \
    X(ERR_SYSTEM, "system")       /* the operating system or a library refused */

enum err_code {
#define X(code, name) code,
    ERR_MAP(X)
#undef X
};

#define ERR_MESSAGE_MAX 1024

struct err {
    enum err_code code;
    char message[ERR_MESSAGE_MAX]; /* one line, no full stop at the end; too long is cut with "..."
                                    */
};

/* Always returns false, so that `return err_set(err, ...)` reads as what it is. err may be NULL. */
bool err_set(struct err *err, enum err_code code, const char *format, ...) PW_PRINTF(3, 4);

/* The same with ": strerror(errnum)" behind it. */
bool err_errno(struct err *err, int errnum, const char *format, ...) PW_PRINTF(3, 4);

/* Puts "context: " before the message; returns false. */
bool err_context(struct err *err, const char *format, ...) PW_PRINTF(2, 3);

/* The code's name, as in logs: "timeout". */
const char *err_name(enum err_code code);
