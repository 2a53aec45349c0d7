/*
 * What a line of a log tells of a pool: a named rule, or an expression of the user's. Pure.
 *
 *     log_rules_new("prisma", &rules, &err);
 *     found = log_rules_match(rules, line, len, now_ms);
 *
 * One timeout is told in several ways: a pooler's two lines, an error and the error that caused it,
 * a library's line and the application's own. A rule therefore has shapes, each of which tells of
 * one event once. The first shape that a log shows is the one that counts; another takes its place
 * only when that one has not been seen for a minute. So an application that logs twice is counted
 * once, and one that begins to log otherwise is counted still.
 *
 * An expression is PCRE2's and works on bytes; each line that matches is one timeout. What takes
 * more than LOG_RULES_STEPS_MAX steps is no match, and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

#define LOG_RULES_STEPS_MAX 50000

enum log_event { LOG_NOTHING, LOG_POOL_TIMEOUT, LOG_CONNECTION_ERROR, LOG_EVENT_COUNT };

struct log_finding {
    enum log_event event;
    const char *database; /* in the line, not terminated; NULL: it names none */
    size_t database_len;
};

struct log_rules;

/* match: a rule's name, or an expression. ERR_CONFIG reads behind the value ("is no expression:
 * missing closing parenthesis at 7"). What looks like a name but is none is refused. */
PW_CHECK bool log_rules_new(const char *match, struct log_rules **out, struct err *err);
void log_rules_free(struct log_rules *rules); /* NULL is fine */

/* line: without its newline. now_ms: any clock that goes on. */
struct log_finding log_rules_match(struct log_rules *rules, const char *line, size_t len,
                                   int64_t now_ms);

/* Lines given up since the last call. */
uint64_t log_rules_given_up(struct log_rules *rules);

/* Which shapes count, for a restart in the middle of a burst; 0: not decided. */
unsigned log_rules_shapes(const struct log_rules *rules);
void log_rules_set_shapes(struct log_rules *rules, unsigned shapes, int64_t now_ms);

/* Appends "pgbouncer, prisma, ...". */
void log_rules_names(struct buf *out);
