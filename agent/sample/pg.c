#include "agent/sample/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "aws/common/mem.h"

#define READ_MAX (1 << 16)
#define ANSWER_MAX                                                                                 \
    ((size_t)1 << 25) /* thousands of sessions, each a group of its own, are 1 MB                  \
                       */

/* What libpq would take from the environment although the URL does not say it. */
static void forget_environment(void)
{
    static const char *const names[] = {
        "PGHOST",    "PGHOSTADDR",           "PGSERVICE",          "PGSERVICEFILE",
        "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS",
    };
    static bool done;

    for (size_t i = 0; i < MEM_COUNT(names) && !done; i++) {
        (void)unsetenv(names[i]);
    }
    done = true;
}

void pg_init(struct pg *pg, uv_loop_t *loop, pg_lost *on_lost, void *arg)
{
    forget_environment();
    memset(pg, 0, sizeof(*pg));
    pg->loop = loop;
    pg->on_lost = on_lost;
    pg->arg = arg;
    uv_timer_init(loop, &pg->deadline);
    pg->deadline.data = pg;
}

bool pg_is_open(const struct pg *pg)
{
    return pg->step == PG_IDLE || pg->step == PG_BUSY;
}

/* --- the socket ----------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_poll_closed(uv_handle_t *poll)
{
    free(poll);
}

/* libpq may close a socket only when nobody polls it any more. */
static void unwatch(struct pg *pg)
{
    if (pg->poll && pg->events != 0) {
        uv_poll_stop(pg->poll);
        pg->events = 0;
    }
}

static void drop_poll(struct pg *pg)
{
    if (pg->poll) {
        uv_close((uv_handle_t *)pg->poll, on_poll_closed);
        pg->poll = NULL;
        pg->events = 0;
    }
}

static bool open_poll(struct pg *pg, int socket)
{
    uv_poll_t *poll = mem_alloc(sizeof(*poll));
    int status = uv_poll_init(pg->loop, poll, socket);

    if (status != 0) {
        free(poll);
        refusal_set(&pg->refusal, ERR_SYSTEM, REFUSAL_SOON, "its socket can not be polled: %s",
                    uv_strerror(status));
        return false;
    }
    poll->data = pg;
    pg->poll = poll;
    pg->socket = socket;
    return true;
}

PW_CHECK static bool watch(struct pg *pg, int events)
{
    int socket = PQsocket(pg->conn);

    if (pg->poll && pg->socket != socket) {
        drop_poll(pg);
    }
    if (!pg->poll && !open_poll(pg, socket)) {
        return false;
    }
    if (pg->events != events) {
        pg->events = events;
        uv_poll_start(pg->poll, events, on_poll);
    }
    return true;
}

/* --- how operations end --------------------------------------------------------------------- */

static void note_place(struct pg *pg)
{
    const char *host = PQhostaddr(pg->conn);

    if (!host || host[0] == '\0') {
        host = PQhost(pg->conn);
    }
    (void)snprintf(pg->place, sizeof(pg->place),
                   strchr(host ? host : "", ':') ? "[%s]:%s" : "%s:%s", host ? host : "?",
                   PQport(pg->conn));
}

void pg_close(struct pg *pg)
{
    uv_timer_stop(&pg->deadline);
    drop_poll(pg);
    PQclear(pg->result);
    pg->result = NULL;
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->step = PG_CLOSED;
}

/* The session is gone, for the reason in pg->refusal. */
static void fail(struct pg *pg)
{
    enum pg_step step = pg->step;
    struct err err;

    if (pg->conn) {
        note_place(pg);
    }
    pg_close(pg);
    err_set(&err, pg->refusal.code, "%s", pg->refusal.text);
    if (step == PG_CONNECTING) {
        pg->on_connected(pg->arg, &err);
    } else if (step == PG_BUSY) {
        pg->on_answered(pg->arg, NULL, &err);
    } else if (step == PG_IDLE) {
        pg->on_lost(pg->arg, &err);
    }
}

/* The connection broke. A server that closes it says why first, as the answer to what was asked or
 * (on_notice) as a notice; libpq's own sentence is the least. */
static void fail_broken(struct pg *pg)
{
    if (pg->result && PQresultStatus(pg->result) == PGRES_FATAL_ERROR) {
        refusal_read_result(pg->result, &pg->refusal);
    } else if (!pg->refused) {
        refusal_read(PQerrorMessage(pg->conn), &pg->refusal);
    }
    fail(pg);
}

/* Notices are nobody's business; the farewell of a server that ends an idle session comes as one.
 */
static void on_notice(void *arg, const PGresult *result)
{
    struct pg *pg = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && strcmp(severity, "FATAL") == 0) {
        refusal_read_result(result, &pg->refusal);
        pg->refused = true;
    }
}

static void answered(struct pg *pg)
{
    PGresult *result = pg->result;
    ExecStatusType status = PQresultStatus(result);
    struct err err;

    pg->result = NULL;
    pg->step = PG_IDLE;
    uv_timer_stop(&pg->deadline);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        pg->on_answered(pg->arg, result, NULL);
    } else {
        refusal_read_result(result, &pg->refusal);
        err_set(&err, pg->refusal.code, "%s", pg->refusal.text);
        pg->on_answered(pg->arg, NULL, &err);
    }
    PQclear(result);
}

/* Takes what has been read off libpq; true when the answer was complete and has been handed on. */
static bool harvest(struct pg *pg)
{
    while (!PQisBusy(pg->conn)) {
        PGresult *result = PQgetResult(pg->conn);

        if (!result) {
            answered(pg);
            return true;
        }
        PQclear(pg->result); /* of several results the last one counts */
        pg->result = result;
    }
    return false;
}

static void on_deadline(uv_timer_t *timer)
{
    struct pg *pg = timer->data;

    if (pg->refused) {
        fail(pg);
        return;
    }
    /* After a pause of this process the timer comes before the answer that waits in the socket. */
    if (pg->step == PG_BUSY && PQconsumeInput(pg->conn) && harvest(pg)) {
        return;
    }
    refusal_set(&pg->refusal, ERR_TIMEOUT, REFUSAL_SOON, "no answer in %g s",
                pg->deadline_ms / 1000.0);
    if (pg->step == PG_CONNECTING) {
        pg->refusal.advice = "check that its security group lets this host in; else it is frozen";
    }
    fail(pg);
}

/* Arms the deadline of an operation; what could not even be begun fails at once, but later. */
static void begin(struct pg *pg, enum pg_step step, int deadline_ms, bool refused)
{
    pg->step = step;
    pg->deadline_ms = deadline_ms;
    pg->refused = refused;
    uv_timer_start(&pg->deadline, on_deadline, refused ? 0 : (uint64_t)deadline_ms, 0);
}

/* --- connecting ----------------------------------------------------------------------------- */

/* The step of TLS may read certificates: one of all sessions takes it in a turn of the loop, the
 * others' sockets are reported again in the next. */
static bool turn_is_taken(const uv_loop_t *loop)
{
    static uint64_t taken_ms;

    if (taken_ms == uv_now(loop)) {
        return true;
    }
    taken_ms = uv_now(loop);
    return false;
}

static void connected(struct pg *pg)
{
    if (PQsetnonblocking(pg->conn, 1) != 0 || !watch(pg, UV_READABLE)) {
        fail_broken(pg);
        return;
    }
    note_place(pg);
    pg->step = PG_IDLE;
    uv_timer_stop(&pg->deadline);
    pg->on_connected(pg->arg, NULL);
}

static void go_on_connecting(struct pg *pg)
{
    if (PQstatus(pg->conn) == CONNECTION_SSL_STARTUP && pg->events != 0 &&
        turn_is_taken(pg->loop)) {
        begin(pg, PG_CONNECTING, pg->deadline_ms, false); /* it is not the server that is late */
        return;
    }
    unwatch(pg);
    PostgresPollingStatusType next = PQconnectPoll(pg->conn);
    if (next == PGRES_POLLING_OK) {
        connected(pg);
        return;
    }
    if (next == PGRES_POLLING_FAILED) {
        fail_broken(pg);
        return;
    }
    if (!watch(pg, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE)) {
        fail(pg);
    }
}

void pg_connect(struct pg *pg, const char *const *keywords, const char *const *values,
                int deadline_ms, pg_connected *done)
{
    bool refused = false;

    pg_close(pg);
    pg->on_connected = done;
    pg->conn = mem_check(PQconnectStartParams(keywords, values, 0));
    PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(pg->conn, on_notice, pg);
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        refusal_read(PQerrorMessage(pg->conn), &pg->refusal);
        refused = true;
    } else if (!watch(pg, UV_WRITABLE)) {
        refused = true;
    }
    begin(pg, PG_CONNECTING, deadline_ms, refused);
}

/* --- asking --------------------------------------------------------------------------------- */

/* Sends what libpq still holds; almost always it is all gone already. */
PW_CHECK static bool push(struct pg *pg)
{
    int left = PQflush(pg->conn);

    return left >= 0 && watch(pg, left == 0 ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

/* What waits in the socket before each reading, added up, is no less than what arrived; a part that
 * is left for the next reading counts twice, so the limit is a generous one. The first reading,
 * which is all there is of almost every answer, is not worth a system call. */
PW_CHECK static bool is_too_much(struct pg *pg)
{
    int waiting = 0;

    if (pg->received == 0) {
        pg->received = 1;
        return false;
    }
    if (ioctl(pg->socket, FIONREAD, &waiting) == 0 && waiting > 0) {
        pg->received += (size_t)(waiting < READ_MAX ? waiting : READ_MAX);
    }
    return pg->received > ANSWER_MAX;
}

static void go_on_talking(struct pg *pg, int status, int events)
{
    if (status < 0) {
        pg->events = 0; /* libuv has stopped polling by itself */
    }
    if (is_too_much(pg)) {
        refusal_set(&pg->refusal, ERR_REJECTED, REFUSAL_RARE, "an answer without an end");
        fail(pg);
        return;
    }
    if (((events & UV_READABLE) || status < 0) && !PQconsumeInput(pg->conn)) {
        (void)PQisBusy(pg->conn); /* reads the farewell that came with the end */
        fail_broken(pg);
        return;
    }
    if (((events & UV_WRITABLE) || status < 0) && !push(pg)) {
        fail_broken(pg);
        return;
    }
    if (pg->step == PG_BUSY) {
        (void)harvest(pg);
    } else {
        (void)PQisBusy(pg->conn); /* reads notices */
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct pg *pg = poll->data;

    if (pg->step == PG_CONNECTING) {
        if (status < 0) {
            pg->events = 0;
        }
        go_on_connecting(pg); /* libpq finds out itself what is wrong with its socket */
    } else {
        go_on_talking(pg, status, events);
    }
}

static void ask(struct pg *pg, int sent, int deadline_ms, pg_answered *done)
{
    bool refused = !sent || !push(pg);

    pg->on_answered = done;
    pg->received = 0;
    if (refused) {
        refusal_read(PQerrorMessage(pg->conn), &pg->refusal);
    }
    begin(pg, PG_BUSY, deadline_ms, refused);
}

void pg_query(struct pg *pg, const char *sql, int deadline_ms, pg_answered *done)
{
    ask(pg, PQsendQuery(pg->conn, sql), deadline_ms, done);
}

void pg_prepare(struct pg *pg, const char *name, const char *sql, int deadline_ms,
                pg_answered *done)
{
    ask(pg, PQsendPrepare(pg->conn, name, sql, 0, NULL), deadline_ms, done);
}

void pg_execute(struct pg *pg, const char *name, int deadline_ms, pg_answered *done)
{
    ask(pg, PQsendQueryPrepared(pg->conn, name, 0, NULL, NULL, NULL, 0), deadline_ms, done);
}

/* --- the end -------------------------------------------------------------------------------- */

static void on_deadline_closed(uv_handle_t *timer)
{
    struct pg *pg = timer->data;

    pg->on_closed(pg->arg);
}

void pg_done(struct pg *pg, pg_closed *closed)
{
    pg_close(pg);
    pg->on_closed = closed;
    uv_close((uv_handle_t *)&pg->deadline, on_deadline_closed);
}
