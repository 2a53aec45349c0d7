/*
 * One PostgreSQL session that never blocks the loop: libpq's asynchronous calls on uv_poll.
 *
 *     pg_init(&pg, loop, on_lost, self);
 *     pg_connect(&pg, keywords, values, 5000, on_connected);  -> on_connected(self, err)
 *     pg_query(&pg, "SELECT 1", 5000, on_answered);           -> on_answered(self, result, err)
 *     pg_prepare(&pg, "sample", sql, 5000, on_answered);
 *     pg_execute(&pg, "sample", 5000, on_answered);
 *     pg_close(&pg);                                          (may connect again)
 *     pg_done(&pg, on_closed);                                -> on_closed(self): may be freed
 *
 * One operation at a time. Each ends in exactly one callback, later, within its deadline; none
 * after pg_close(). When the session is gone (after a failed pg_connect, an answer that did not
 * come in time, a connection that broke) it is closed already when the callback comes; an SQL error
 * leaves it open: pg_is_open() tells. A session that breaks while nothing is asked is told by
 * on_lost.
 *
 * hostaddr must be among the keywords unless the host is a unix socket: libpq's own name look-up
 * blocks (resolve.h). What blocks all the same is reading certificates, 25 to 50 ms a connection
 * with a large bundle: of many sessions that connect, one does so in a turn of the loop.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

#include "agent/sample/refusal.h"
#include "aws/common/err.h"

typedef void pg_connected(void *arg, const struct err *err); /* err NULL: connected */
/* Exactly one of result and err; the result is freed after the call. */
typedef void pg_answered(void *arg, const PGresult *result, const struct err *err);
typedef void pg_lost(void *arg, const struct err *err);
typedef void pg_closed(void *arg);

enum pg_step { PG_CLOSED, PG_CONNECTING, PG_IDLE, PG_BUSY };

struct pg {
    PGconn *conn; /* NULL: closed */
    enum pg_step step;
    struct refusal refusal; /* what the last err was made of */
    char place[96];         /* "10.0.1.7:5432": who was connected to, or tried last */

    uv_loop_t *loop;
    uv_timer_t deadline;
    int deadline_ms;
    uv_poll_t *poll; /* its own allocation, because it closes later than the session */
    int socket;      /* that poll is for: libpq may change it while it connects */
    int events;      /* polled for now */
    PGresult *result;
    size_t received; /* of the answer, or at most so much: see pg.c */
    bool refused;    /* refusal is the result of the operation just begun */
    pg_connected *on_connected;
    pg_answered *on_answered;
    pg_lost *on_lost;
    pg_closed *on_closed;
    void *arg; /* of every callback */
};

/* The first one also takes from the environment what would lead libpq elsewhere: PGOPTIONS,
 * PGHOSTADDR, PGSERVICE and the like. */
void pg_init(struct pg *pg, uv_loop_t *loop, pg_lost *on_lost, void *arg);
void pg_connect(struct pg *pg, const char *const *keywords, const char *const *values,
                int deadline_ms, pg_connected *done);
void pg_query(struct pg *pg, const char *sql, int deadline_ms, pg_answered *done);
void pg_prepare(struct pg *pg, const char *name, const char *sql, int deadline_ms,
                pg_answered *done);
void pg_execute(struct pg *pg, const char *name, int deadline_ms, pg_answered *done);
bool pg_is_open(const struct pg *pg);
void pg_close(struct pg *pg); /* place and refusal stay */
void pg_done(struct pg *pg, pg_closed *closed);
