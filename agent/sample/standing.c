#include "agent/sample/standing.h"

#include <stdio.h>

#include "agent/log.h"

void standing_init(struct standing *standing, const char *name, bool quiet)
{
    *standing = (struct standing){.name = name, .quiet = quiet};
}

static uint64_t now_ms_of(const struct session *session)
{
    return uv_now(session->options.loop);
}

void standing_failed(struct standing *standing, const struct session *session,
                     const struct err *err, const char *next)
{
    if (!standing->down) {
        standing->down = true;
        standing->down_since_ms = now_ms_of(session);
    }
    standing->reason = *err;
    if (standing->quiet) {
        return;
    }
    /* How long nobody answered differs from attempt to attempt. */
    if (reasons_are_new(&standing->reasons,
                        err->code == ERR_TIMEOUT ? "timeout" : session->refusal.text)) {
        log_warn("%s: %s%s", standing->name, err->message, next);
    }
}

static void tell_up(struct standing *standing, const struct session *session,
                    const struct snapshot *snapshot)
{
    char server[64], what[64] = "connected";

    if (standing->quiet || (standing->was_up && !standing->down)) {
        return;
    }
    if (standing->was_up) {
        double seconds = (double)(now_ms_of(session) - standing->down_since_ms) / 1000;

        (void)snprintf(what, sizeof(what), "back after %.*f s", seconds < 10, seconds);
    }
    session_describe(session, server, sizeof(server));
    log_info("%s: %s (%s, %.0f usable connections, %.0f reserved)", standing->name, what, server,
             snapshot->usable, snapshot->max_connections - snapshot->usable);
    standing->was_up = true;
    standing->down = false;
    reasons_forget(&standing->reasons);
}

static void tell_privilege(struct standing *standing, const struct session *session,
                           bool privileged)
{
    if (!privileged && !standing->grant_told) {
        standing->grant_told = true;
        session_tell_grant(session, standing->name);
    }
}

/* After a failover the name may stand for another server, or the server for another role. */
static void tell_role(struct standing *standing, bool is_replica)
{
    enum standing_role role = is_replica ? ROLE_READER : ROLE_WRITER;

    if (standing->role != ROLE_UNKNOWN && standing->role != role) {
        log_warn("%s: failover: %s", standing->name,
                 is_replica ? "it was the writer and is a reader now"
                            : "it was a reader and is the writer now");
    }
    standing->role = role;
}

void standing_answered(struct standing *standing, const struct session *session,
                       const struct snapshot *snapshot)
{
    standing->reason.code = ERR_NONE;
    tell_up(standing, session, snapshot);
    tell_privilege(standing, session, snapshot->privileged);
    tell_role(standing, snapshot->is_replica);
}

void standing_forget(struct standing *standing)
{
    standing->down = false;
    reasons_forget(&standing->reasons);
}

bool standing_is_up(const struct standing *standing)
{
    return standing->was_up && !standing->down;
}
