/*
 * The floor: the least a program can do to sample once a second with libuv and libpq. The same
 * prepared statement as the agent's, one timer, one poll handle, no publishing. tests/bench/run
 * measures the agent beside it.
 *
 *     bench_floor postgresql://... [STATEMENT-FILE|- [FILE]]
 *
 * FILE: each sample is appended to it, as nothing else survives kill -9.
 */
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/sample/queries.h"
#include "aws/common/file.h"

#define STATEMENT_MAX 65536

#define SAMPLE_BYTES 140 /* as the agent's journal has them for the core set */

static PGconn *conn;
static int kept = -1;

static void keep(void)
{
    static const char sample[SAMPLE_BYTES];

    if (kept >= 0 && write(kept, sample, sizeof(sample)) != sizeof(sample)) {
        exit(1);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    PGresult *result;

    (void)poll;
    (void)events;
    if (status < 0 || !PQconsumeInput(conn)) {
        exit(1);
    }
    while (!PQisBusy(conn) && (result = PQgetResult(conn))) {
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            fputs(PQerrorMessage(conn), stderr);
            exit(1);
        }
        PQclear(result);
        keep();
    }
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    PQsendQueryPrepared(conn, "sample", 0, NULL, NULL, NULL, 0);
    PQflush(conn);
}

/* The agent's own, unless another is given. */
static void read_statement(const char *file, struct buf *sql)
{
    const struct query_options options = {.server_version = PQserverVersion(conn),
                                          .long_query_ms = 60000,
                                          .leak_ms = 600000,
                                          .stale_idle_ms = 300000};
    struct err err;

    if (!file) {
        query_sample(&options, sql);
    } else if (!file_read(file, sql, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_poll_t poll;
    uv_timer_t timer;
    struct buf sql;

    if (argc < 2 || argc > 4) {
        fputs("usage: bench_floor URL [STATEMENT-FILE|- [FILE]]\n", stderr);
        return 2;
    }
    if (argc == 4 && (kept = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) {
        perror(argv[3]);
        return 1;
    }
    conn = PQconnectdb(argv[1]);
    buf_init(&sql, STATEMENT_MAX);
    read_statement(argc > 2 && strcmp(argv[2], "-") != 0 ? argv[2] : NULL, &sql);
    PQclear(PQprepare(conn, "sample", buf_text(&sql), 0, NULL));
    if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) != 0) {
        fputs(PQerrorMessage(conn), stderr);
        return 1;
    }
    uv_poll_init(loop, &poll, PQsocket(conn));
    uv_poll_start(&poll, UV_READABLE, on_readable);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_timer, 1000, 1000);
    return uv_run(loop, UV_RUN_DEFAULT);
}
