#include "agent/sample/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/queries.h"
#include "aws/common/mem.h"

#define HURRY_MS            2000
#define LOOK_UP_MAX_MS      3000
#define BETWEEN_OPENINGS_MS 3
#define STATEMENT_MAX       65536
#define SAMPLE              "sample" /* the names of what is prepared */
#define REPEATED            "repeated"

/* With the session goes what was prepared in it. */
static void forget_repeated(struct session *session)
{
    free(session->repeated);
    session->repeated = NULL;
}

/* --- how opening ends ----------------------------------------------------------------------- */

/* For the reason in session->refusal. */
static void fail(struct session *session)
{
    const struct refusal *refusal = &session->refusal;
    bool asked = session->pg.place[0] != '\0';
    struct err err;

    session->hurry = refusal->code == ERR_TIMEOUT && !session->hurry;
    err_set(&err, refusal->code, "%s%s%s%s%s%s", refusal->text, asked ? " (" : "",
            session->pg.place, asked ? ")" : "", refusal->advice ? ": " : "",
            refusal->advice ? refusal->advice : "");
    session_close(session);
    session->on_open(session->options.arg, &err);
}

static void fail_in_pg(struct session *session)
{
    session->refusal = session->pg.refusal;
    fail(session);
}

/* --- connecting ----------------------------------------------------------------------------- */

struct keywords {
    const char *keyword[CONNINFO_PARAMS_MAX + 24];
    const char *value[CONNINFO_PARAMS_MAX + 24];
    size_t count;
};

/* libpq takes the last of the same. */
static void add(struct keywords *list, const char *keyword, const char *value)
{
    if (value && list->count + 1 < MEM_COUNT(list->keyword)) {
        list->keyword[list->count] = keyword;
        list->value[list->count] = value;
        list->count++;
    }
}

/* What the URL may change. */
static void add_defaults(struct keywords *list)
{
    add(list, "keepalives_idle", "10");
    add(list, "keepalives_interval", "5");
    add(list, "keepalives_count", "2");
    add(list, "tcp_user_timeout", "10000");
}

static void add_url(struct keywords *list, const struct conninfo *info)
{
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i]; i++) {
        add(list, info->keywords[i], info->values[i]);
    }
    add(list, "port", info->port);
    add(list, "user", info->user);
    add(list, "dbname", info->dbname);
    add(list, "password", info->password);
}

static void add_fixed(struct keywords *list)
{
    add(list, "application_name", "poolwarden");
    add(list, "client_encoding", "UTF8");
    add(list, "gssencmode", "disable"); /* would ask a Kerberos server and wait for it */
}

/* "db,db" and "10.0.1.7,10.0.1.8": libpq tries one address after the other, all under our one
 * deadline. One that swallows everything must not be the first for ever. */
static void add_addresses(struct keywords *list, const struct session *session, struct buf *hosts,
                          struct buf *addresses)
{
    const struct conninfo *info = &session->options.database->conninfo;

    if (info->hostaddr || !info->host || info->host[0] == '/' || info->host[0] == '@') {
        add(list, "host", info->host);
        add(list, "hostaddr", info->hostaddr);
        return;
    }
    for (size_t i = 0; i < session->addresses.count; i++) {
        buf_printf(hosts, "%s%s", i ? "," : "", info->host);
        buf_printf(addresses, "%s%s", i ? "," : "",
                   session->addresses.text[(i + session->first) % session->addresses.count]);
    }
    add(list, "host", buf_text(hosts));
    add(list, "hostaddr", buf_text(addresses));
}

static int connect_deadline_ms(const struct session *session)
{
    int own_ms = session->options.database->conninfo.connect_timeout_ms;

    return session->hurry && own_ms > HURRY_MS ? HURRY_MS : own_ms;
}

static void on_connected(void *arg, const struct err *err);

/* user, password: NULL for the URL's. */
static void dial(struct session *session, const char *user, const char *password)
{
    struct keywords list = {.count = 0};
    struct buf hosts, addresses;

    buf_init(&hosts, 4096);
    buf_init(&addresses, 4096);
    add_defaults(&list);
    add_url(&list, &session->options.database->conninfo);
    add(&list, "user", user);
    add(&list, "password", password);
    add_addresses(&list, session, &hosts, &addresses);
    add_fixed(&list);
    pg_connect(&session->pg, list.keyword, list.value, connect_deadline_ms(session), on_connected);
    buf_done(&hosts);
    buf_done(&addresses);
}

static void on_login(void *arg, const char *user, const char *password, const struct err *err)
{
    struct session *session = arg;

    if (err) {
        bool may_pass = err->code == ERR_NET || err->code == ERR_TIMEOUT || err->code == ERR_PARSE;

        refusal_set(&session->refusal, err->code, may_pass ? REFUSAL_SOON : REFUSAL_SLOW, "%s",
                    err->message);
        fail(session);
        return;
    }
    dial(session, user, password);
}

static void on_resolved(void *arg, const struct resolve_addresses *addresses, const struct err *err)
{
    struct session *session = arg;

    session->look_up = NULL;
    if (addresses) {
        session->addresses = *addresses;
    } else if (session->addresses.count == 0) {
        refusal_set(&session->refusal, err->code, REFUSAL_SOON, "%s", err->message);
        fail(session);
        return;
    }
    login_get(&session->login, on_login);
}

static void on_start(uv_timer_t *timer)
{
    struct session *session = timer->data;
    const struct conninfo *info = &session->options.database->conninfo;

    if (conninfo_needs_no_lookup(info)) {
        session->addresses.count = 0;
        if (info->host && strlen(info->host) < sizeof(session->addresses.text[0])) {
            memcpy(session->addresses.text[0], info->host, strlen(info->host) + 1);
            session->addresses.count = 1;
        }
        login_get(&session->login, on_login);
        return;
    }
    int deadline_ms = connect_deadline_ms(session);

    session->look_up = resolve_send(session->options.loop, info->host,
                                    deadline_ms < LOOK_UP_MAX_MS ? deadline_ms : LOOK_UP_MAX_MS,
                                    on_resolved, session);
}

/* --- before the first sample ---------------------------------------------------------------- */

static void on_prepared(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;

    (void)result;
    if (err) {
        fail_in_pg(session);
        return;
    }
    session->hurry = false;
    session->on_open(session->options.arg, NULL);
}

/* result: NULL when the server would not say, which hinders nothing else. */
static void keep_instance(struct session *session, const PGresult *result)
{
    bool told = result && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0);

    (void)snprintf(session->instance, sizeof(session->instance), "%s",
                   told ? PQgetvalue(result, 0, 0) : "");
}

static void on_instance(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;
    const struct config_database *database = session->options.database;
    const struct query_options query = {
        .server_version = PQserverVersion(session->pg.conn),
        .by_group = session->options.by_group,
        .long_query_ms = database->long_query_ms,
        .leak_ms = database->leak_ms,
        .stale_idle_ms = database->stale_idle_ms,
    };
    struct buf sql;

    if (err && !pg_is_open(&session->pg)) {
        fail_in_pg(session);
        return;
    }
    keep_instance(session, err ? NULL : result);
    buf_init(&sql, STATEMENT_MAX);
    query_sample(&query, &sql);
    pg_prepare(&session->pg, SAMPLE, buf_text(&sql), SESSION_ANSWER_MS, on_prepared);
    buf_done(&sql);
}

static void on_settings(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;

    (void)result;
    if (err) {
        fail_in_pg(session);
        return;
    }
    pg_query(&session->pg, query_instance, SESSION_ANSWER_MS, on_instance);
}

static void refuse_pooler(struct session *session)
{
    bool told = session->options.database->conninfo.pgbouncer;

    refusal_set(&session->refusal, ERR_CONFIG, REFUSAL_RARE,
                "a pooler answers, not the server itself%s",
                told ? " (and url says pgbouncer=true)" : "");
    session->refusal.advice = "give the server's own address in url (Prisma: directUrl)";
    fail(session);
}

/* Settings sent through a pooler would stay on a server connection that others get. */
static void on_backend_pid(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;
    PGconn *conn = session->pg.conn;
    struct buf sql;

    if (err) {
        fail_in_pg(session);
        return;
    }
    if (PQntuples(result) != 1 ||
        strtol(PQgetvalue(result, 0, 0), NULL, 10) != PQbackendPID(conn)) {
        refuse_pooler(session);
        return;
    }
    if (PQserverVersion(conn) < QUERY_SERVER_VERSION_MIN) {
        refusal_set(&session->refusal, ERR_CONFIG, REFUSAL_RARE,
                    "PostgreSQL %s is too old: 12 or newer is needed",
                    PQparameterStatus(conn, "server_version"));
        fail(session);
        return;
    }
    buf_init(&sql, STATEMENT_MAX);
    query_session(PQserverVersion(conn), session->options.sample_interval_ms, &sql);
    pg_query(&session->pg, buf_text(&sql), SESSION_ANSWER_MS, on_settings);
    buf_done(&sql);
}

/* A rotated password: the next attempt has the new one, and need not wait. */
static void judge_login(struct session *session)
{
    struct refusal *refusal = &session->refusal;

    if (strcmp(refusal->sqlstate, "28P01") != 0 && strcmp(refusal->sqlstate, "28000") != 0) {
        return;
    }
    const char *advice = login_advice(&session->login);
    refusal->advice = advice ? advice : refusal->advice;
    if (login_refused(&session->login)) {
        refusal->pace = REFUSAL_SOON;
    }
}

static void on_connected(void *arg, const struct err *err)
{
    struct session *session = arg;

    if (err) {
        session->first += err->code == ERR_TIMEOUT ? 1 : 0;
        session->refusal = session->pg.refusal;
        judge_login(session);
        fail(session);
        return;
    }
    pg_query(&session->pg, query_backend_pid, SESSION_ANSWER_MS, on_backend_pid);
}

/* Hundreds of sessions are not opened in one go, neither at the start nor when a network is back:
 * servers, proxies and address translation see a slope, and what is open already is sampled
 * meanwhile. Each waits for its turn. */
static uint64_t wait_for_turn_ms(const uv_loop_t *loop)
{
    static uint64_t next_ms;
    uint64_t now_ms = uv_now(loop);
    uint64_t turn_ms = next_ms > now_ms ? next_ms : now_ms;

    next_ms = turn_ms + BETWEEN_OPENINGS_MS;
    return turn_ms - now_ms;
}

void session_open(struct session *session, pg_connected *done)
{
    session->on_open = done;
    session->pg.place[0] = '\0';
    forget_repeated(session);
    uv_timer_start(&session->start, on_start, wait_for_turn_ms(session->options.loop), 0);
}

/* --- asking --------------------------------------------------------------------------------- */

static void on_answered(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;

    if (err) {
        session->refusal = session->pg.refusal;
    }
    session->on_answer(session->options.arg, result, err);
}

void session_sample(struct session *session, pg_answered *done)
{
    session->on_answer = done;
    pg_execute(&session->pg, SAMPLE, SESSION_ANSWER_MS, on_answered);
}

void session_ask_names(struct session *session, pg_answered *done)
{
    session->on_answer = done;
    pg_query(&session->pg, query_database_names, SESSION_ANSWER_MS, on_answered);
}

void session_describe(const struct session *session, char *out, size_t room)
{
    const char *version = PQparameterStatus(session->pg.conn, "server_version");

    version = version ? version : "?";
    (void)snprintf(out, room, "PostgreSQL %.*s", (int)strcspn(version, " "), version);
}

void session_tell_grant(const struct session *session, const char *name)
{
    const char *user = PQuser(session->pg.conn);
    char *quoted = PQescapeIdentifier(session->pg.conn, user, strlen(user));

    log_warn("%s: the states of other users' sessions can not be seen; totals are right but for "
             "parallel workers, which count too; the rest is left out until someone runs: GRANT "
             "pg_monitor TO %s",
             name, quoted ? quoted : user);
    PQfreemem(quoted);
}

void session_query(struct session *session, const char *sql, pg_answered *done)
{
    session->on_answer = done;
    pg_query(&session->pg, sql, SESSION_ANSWER_MS, on_answered);
}

static void on_repeat_prepared(void *arg, const PGresult *result, const struct err *err)
{
    struct session *session = arg;

    if (err) {
        forget_repeated(session);
        on_answered(arg, result, err);
        return;
    }
    pg_execute(&session->pg, REPEATED, SESSION_ANSWER_MS, on_answered);
}

/* The name is free in a new session; within one the text hardly ever changes. */
void session_repeat(struct session *session, const char *sql, pg_answered *done)
{
    session->on_answer = done;
    if (!session->repeated) {
        session->repeated = mem_strdup(sql);
        pg_prepare(&session->pg, REPEATED, sql, SESSION_ANSWER_MS, on_repeat_prepared);
    } else if (strcmp(session->repeated, sql) == 0) {
        pg_execute(&session->pg, REPEATED, SESSION_ANSWER_MS, on_answered);
    } else {
        pg_query(&session->pg, sql, SESSION_ANSWER_MS, on_answered);
    }
}

static void on_lost(void *arg, const struct err *err)
{
    struct session *session = arg;

    session->refusal = session->pg.refusal;
    session->options.on_lost(session->options.arg, err);
}

/* --- life ----------------------------------------------------------------------------------- */

void session_init(struct session *session, const struct session_options *options)
{
    memset(session, 0, sizeof(*session));
    session->options = *options;
    pg_init(&session->pg, options->loop, on_lost, session);
    const struct login_options login = {
        .loop = options->loop, .database = options->database, .aws = options->aws, .arg = session};
    login_init(&session->login, &login);
    uv_timer_init(options->loop, &session->start);
    session->start.data = session;
}

void session_close(struct session *session)
{
    uv_timer_stop(&session->start);
    resolve_cancel(session->look_up);
    session->look_up = NULL;
    login_cancel(&session->login);
    pg_close(&session->pg);
    forget_repeated(session);
}

void session_rebind(struct session *session, const struct config_database *database)
{
    session->options.database = database;
    session->login.options.database = database;
}

static void on_start_closed(uv_handle_t *timer)
{
    struct session *session = timer->data;

    session->on_closed(session->options.arg);
}

static void on_login_closed(void *arg)
{
    struct session *session = arg;

    uv_close((uv_handle_t *)&session->start, on_start_closed);
}

static void on_pg_closed(void *arg)
{
    struct session *session = arg;

    login_done(&session->login, on_login_closed);
}

void session_done(struct session *session, pg_closed *closed)
{
    session_close(session);
    session->on_closed = closed;
    pg_done(&session->pg, on_pg_closed);
}
