/*
 * A monitored server's kept session, from its name to the prepared statement.
 *
 *     session_init(&session, &options);
 *     session_open(&session, on_open);      -> on_open(self, err)
 *     session_sample(&session, on_rows);    -> on_rows(self, result, err), again and again
 *     session_close(&session);              (may open again)
 *     session_done(&session, on_closed);    -> on_closed(self): may be freed
 *
 * Opening resolves the host (or takes the last good addresses), gets the login (login.h), connects,
 * makes sure that the server itself answers and no pooler, and only then sends settings. Callbacks
 * come as in pg.h: once, later, none after session_close(). The message of an err is a whole
 * sentence: reason, who was asked, what to do.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "agent/config.h"
#include "agent/login.h"
#include "agent/sample/pg.h"
#include "agent/sample/resolve.h"

#define SESSION_ANSWER_MS 5000 /* the longest an answer may take */

struct session_options {
    uv_loop_t *loop;
    const struct config_database *database; /* borrowed */
    const struct aws_access *aws;           /* borrowed; NULL: see login.h */
    int sample_interval_ms;
    bool by_group; /* see query_options */
    pg_lost *on_lost;
    void *arg; /* of every callback */
};

struct session {
    struct session_options options;
    struct pg pg;
    struct refusal refusal; /* what the last err was made of */
    uv_timer_t start;       /* so that nothing is called back before session_open() returned */
    struct login login;
    struct resolve_request *look_up;
    struct resolve_addresses addresses; /* the last good ones */
    size_t first;                       /* which of them is tried first, modulo their number */
    char instance[64]; /* Aurora's name of the instance that answers; "" elsewhere */
    char *repeated;    /* what is prepared for session_repeat(); NULL: nothing yet */
    bool hurry;        /* the last attempt was not answered: do not wait as long this time */
    pg_connected *on_open;
    pg_answered *on_answer;
    pg_closed *on_closed;
};

void session_init(struct session *session, const struct session_options *options);
void session_open(struct session *session, pg_connected *done);
void session_sample(struct session *session, pg_answered *done);    /* rows of query_sample() */
void session_ask_names(struct session *session, pg_answered *done); /* query_database_names */
/* While it is open: "PostgreSQL 15.18". */
void session_describe(const struct session *session, char *out, size_t room);

/* The same: logs the GRANT that our role needs to see what others do. name: "database orders". */
void session_tell_grant(const struct session *session, const char *name);

/* Any statement, on its own: one at a time with the two above. */
void session_query(struct session *session, const char *sql, pg_answered *done);

/* One that is asked again and again: it is planned the first time, which costs more than running
 * it. Another text in the same session is asked as session_query() does. */
void session_repeat(struct session *session, const char *sql, pg_answered *done);
void session_close(struct session *session);
void session_rebind(struct session *session, const struct config_database *database);
void session_done(struct session *session, pg_closed *closed);
