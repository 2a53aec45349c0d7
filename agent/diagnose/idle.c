#include "agent/diagnose/idle.h"

#include <stdlib.h>
#include <string.h>

#include "agent/prose.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define COLUMNS    7
#define NAME_SHOWN 60
#define LIST_MAX   "10000"

static void add_condition(int idle_ms, struct buf *out)
{
    buf_printf(out,
               " JOIN pg_roles r ON r.oid = a.usesysid LEFT JOIN pg_database d ON d.oid = a.datid"
               " WHERE a.backend_type = 'client backend' AND a.state = 'idle'"
               " AND a.state_change < clock_timestamp() - interval '%d milliseconds'"
               " AND a.pid <> pg_backend_pid() AND a.application_name <> 'poolwarden'"
               " AND NOT r.rolsuper AND NOT r.rolreplication",
               idle_ms);
}

void idle_list_statement(int idle_ms, struct buf *out)
{
    buf_puts(out, "SELECT a.pid, extract(epoch FROM a.backend_start)::text,"
                  " CASE WHEN a.application_name <> '' THEN a.application_name ELSE '(none)' END,"
                  " r.rolname, coalesce(d.datname, ''), coalesce(host(a.client_addr), ''),"
                  " extract(epoch FROM clock_timestamp() - a.state_change)::float8"
                  " FROM pg_stat_get_activity(NULL) a");
    add_condition(idle_ms, out);
    buf_puts(out, " ORDER BY a.state_change LIMIT " LIST_MAX);
}

/* `started` is digits and a point: what the server itself gave, and checked by idle_take(). */
void idle_end_statement(const struct idle_session *session, int idle_ms, struct buf *out)
{
    buf_printf(out, "SELECT pg_terminate_backend(a.pid) FROM pg_stat_get_activity(%d) a",
               session->pid);
    add_condition(idle_ms, out);
    buf_printf(out, " AND extract(epoch FROM a.backend_start)::text = '%s'", session->started);
}

bool idle_take(struct idle_sessions *sessions, const PGresult *result, struct err *err)
{
    int count = PQntuples(result);

    if (PQnfields(result) != COLUMNS) {
        return err_set(err, ERR_PARSE, "idle sessions: an answer of %d columns", PQnfields(result));
    }
    for (int i = 0; i < count; i++) {
        const char *started = PQgetvalue(result, i, 1);

        if (started[0] == '\0' || started[strspn(started, "0123456789.e+-")] != '\0') {
            return err_set(err, ERR_PARSE, "idle sessions: row %d has no time", i + 1);
        }
    }
    sessions->items = mem_alloc((size_t)count * sizeof(*sessions->items));
    sessions->count = (size_t)count;
    for (int i = 0; i < count; i++) {
        sessions->items[i] = (struct idle_session){
            .pid = (int)strtol(PQgetvalue(result, i, 0), NULL, 10),
            .started = mem_strdup(PQgetvalue(result, i, 1)),
            .application = mem_strdup(PQgetvalue(result, i, 2)),
            .user = mem_strdup(PQgetvalue(result, i, 3)),
            .database = mem_strdup(PQgetvalue(result, i, 4)),
            .address = mem_strdup(PQgetvalue(result, i, 5)),
            .idle_s = strtod(PQgetvalue(result, i, 6), NULL),
        };
    }
    return true;
}

void idle_done(struct idle_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct idle_session *session = &sessions->items[i];

        free(session->started);
        free(session->application);
        free(session->user);
        free(session->database);
        free(session->address);
        free(session->error);
    }
    free(sessions->items);
    memset(sessions, 0, sizeof(*sessions));
}

void idle_judge(struct idle_session *session, const PGresult *result, const struct err *err)
{
    if (err) {
        session->fate = IDLE_FAILED;
        session->error = mem_strdup(err->message);
    } else if (PQntuples(result) == 0) {
        session->fate = IDLE_CHANGED;
    } else if (strcmp(PQgetvalue(result, 0, 0), "t") == 0) {
        session->fate = IDLE_ENDED;
    } else {
        session->fate = IDLE_FAILED;
        session->error = mem_strdup("the server could not signal it");
    }
}

void idle_line(const struct idle_session *session, struct buf *out)
{
    buf_printf(out, "pid %d, ", session->pid);
    prose_plain(session->application, NAME_SHOWN, out);
    buf_puts(out, ", ");
    prose_plain(session->user, NAME_SHOWN, out);
    buf_putc(out, '@');
    prose_plain(session->database, NAME_SHOWN, out);
    if (session->address[0] != '\0') {
        buf_printf(out, " from %s", session->address);
    }
    buf_puts(out, ", idle for ");
    prose_age(session->idle_s, out);
}

json_t *idle_json(const struct idle_session *session)
{
    static const char *const fates[] = {"spared", "ended", "changed", "failed"};

    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:f, s:s, s:o}", "pid", session->pid, "application",
                     json_text(session->application), "user", json_text(session->user), "database",
                     json_text(session->database), "address",
                     json_text(session->address[0] != '\0' ? session->address : NULL), "idle_s",
                     session->idle_s, "fate", fates[session->fate], "error",
                     json_text(session->error));
}
