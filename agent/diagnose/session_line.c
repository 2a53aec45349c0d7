#include "agent/diagnose/session_line.h"

#include <string.h>

#include "agent/prose.h"

#define NAME_MAX_SHOWN  60
#define QUERY_MAX_SHOWN 100

void plain_name(const char *name, struct buf *out)
{
    prose_plain(name, NAME_MAX_SHOWN, out);
}

static void add_what_it_does(const struct fact_session *session, struct buf *out)
{
    bool active = strcmp(session->state, "active") == 0;

    if (!session->visible) {
        buf_puts(out, ": what it does can not be seen without pg_monitor");
        return;
    }
    buf_puts(out, ": ");
    plain_name(session->state, out);
    buf_puts(out, " for ");
    prose_age(active ? session->query_age_s : session->state_age_s, out);
    if (!active && session->transaction_age_s >= 0) {
        buf_puts(out, ", open for ");
        prose_age(session->transaction_age_s, out);
    }
    if (session->query[0] != '\0') {
        buf_puts(out, active ? ": " : ", last: ");
        prose_statement(session->query, QUERY_MAX_SHOWN, out);
    }
}

void session_line(const struct fact_session *session, struct buf *out)
{
    buf_printf(out, "pid %d, ", session->pid);
    plain_name(session->application, out);
    buf_puts(out, ", ");
    plain_name(session->user, out);
    buf_puts(out, "@");
    plain_name(session->database, out);
    if (session->address[0] != '\0') {
        buf_printf(out, " from %s", session->address);
    }
    add_what_it_does(session, out);
}

static void add_count(size_t count, const char *what, const char **separator, struct buf *out)
{
    if (count > 0) {
        buf_printf(out, "%s%zu %s", *separator, count, what);
        *separator = ", ";
    }
}

void holder_line(const struct holder *holder, struct buf *out)
{
    const char *separator = " (";

    plain_name(holder->name, out);
    buf_puts(out, ": ");
    prose_count(holder->connections, "connection", out);
    add_count(holder->idle, "idle", &separator, out);
    add_count(holder->active, "active", &separator, out);
    add_count(holder->in_transaction, "idle in transaction", &separator, out);
    buf_puts(out, separator[0] == ',' ? ")" : "");
    if (holder->addresses > 0) {
        buf_printf(out, " from %zu address%s", holder->addresses,
                   holder->addresses == 1 ? "" : "es");
    }
    if (holder->oldest_s >= 0) {
        buf_puts(out, ", oldest ");
        prose_age(holder->oldest_s, out);
    }
}
