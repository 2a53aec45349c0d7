/*
 * Idle sessions that may be ended: which they are, the statement that ends one, what is said of it.
 * Pure: text out, PGresult in.
 *
 * Only client backends that are idle for long enough; never our own nor another poolwarden's, never
 * replication, never a superuser's. The statement that ends one says all of that again, and whose
 * session it has to be, so that one that began to work meanwhile, or another that got its pid, is
 * left alone.
 */
#pragma once

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

enum idle_fate {
    IDLE_SPARED,  /* nobody said yes */
    IDLE_ENDED,   /* its process was told to end */
    IDLE_CHANGED, /* not idle any more, or gone */
    IDLE_FAILED
};

struct idle_session {
    int pid;
    char *started; /* as the server writes it, to know it again */
    char *application, *user, *database, *address;
    double idle_s;
    enum idle_fate fate;
    char *error; /* of IDLE_FAILED */
};

struct idle_sessions {
    struct idle_session *items; /* the longest idle first */
    size_t count;
};

void idle_list_statement(int idle_ms, struct buf *out);
PW_CHECK bool idle_take(struct idle_sessions *sessions, const PGresult *result, struct err *err);
void idle_done(struct idle_sessions *sessions);

void idle_end_statement(const struct idle_session *session, int idle_ms, struct buf *out);

/* Of its result, or its err. */
void idle_judge(struct idle_session *session, const PGresult *result, const struct err *err);

/* "pid 123, web, app@orders from 10.0.0.1, idle for 12 min" */
void idle_line(const struct idle_session *session, struct buf *out);
json_t *idle_json(const struct idle_session *session); /* a new reference */
