/*
 * One PostgreSQL session that never blocks the loop: libpq's asynchronous calls on uv_poll.
 *
 *     pg_init(&pg, loop);
 *     pg_connect(&pg, keywords, values, 5000, on_connected, self);  -> on_connected(self, err)
 *     pg_prepare(&pg, "sample", sql, 2000, on_prepared, self);     -> on_prepared(self, result, err)
 *     pg_execute(&pg, "sample", 2000, on_rows, self);             -> on_rows(self, result, err)
 *     pg_close(&pg);                                             (also after any error: the session is gone)
 *     pg_done(&pg, on_closed, self);                             -> may be freed
 *
 * One operation at a time. Each ends in exactly one callback, later, within its deadline; none after pg_close().
 * hostaddr must be among the keywords unless the host is a unix socket: libpq's own name look-up blocks (resolve.h).
 * Errors of connecting carry the server's SQLSTATE where there was one, also in a translated message.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

#include "aws/common/err.h"

typedef void pg_connected(void *arg, const struct err *err); /* err NULL: connected */
/* Exactly one of result and err; the result is freed after the call. */
typedef void pg_rows(void *arg, const PGresult *result, const struct err *err);
typedef void pg_closed(void *arg);

struct pg {
    PGconn *conn;
    uv_loop_t *loop;
    uv_poll_t *poll; /* of the socket libpq has now; its own allocation, because it closes later than the session */
    uv_timer_t deadline;
    bool deadline_open;
    int socket;
    int events;
    int step; /* enum in pg.c */
    pg_connected *on_connected;
    pg_rows *on_rows;
    pg_closed *on_closed;
    void *arg;
    char sqlstate[6]; /* of the last error; "" when none was told */
};

void pg_init(struct pg *pg, uv_loop_t *loop);
void pg_connect(struct pg *pg, const char *const *keywords, const char *const *values,
                int deadline_ms, pg_connected *done, void *arg);
void pg_query(struct pg *pg, const char *sql, int deadline_ms, pg_rows *done, void *arg); /* simple protocol */
void pg_prepare(struct pg *pg, const char *name, const char *sql, int deadline_ms, pg_rows *done,
                void *arg);
void pg_execute(struct pg *pg, const char *name, int deadline_ms, pg_rows *done, void *arg);
void pg_close(struct pg *pg);
void pg_done(struct pg *pg, pg_closed *closed, void *arg);

/*
 * Is this refusal the server's want of slots (SQLSTATE 53300 and not "too many connections for role/database")?
 * Pure; message is libpq's with verbosity VERBOSE.
 */
bool pg_is_out_of_slots(const char *sqlstate, const char *message);
