/* Findings about getting in, and about what can be seen from there. */
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "agent/diagnose/session_line.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define LINE_MAX_BYTES 4096

/* --- not in --------------------------------------------------------------------------------- */

bool rule_no_slot_left(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct conninfo *info = &diagnosis->database->conninfo;
    const char *host = info->host ? info->host : info->hostaddr ? info->hostaddr : "localhost";
    const char *database = info->dbname ? info->dbname : "postgres";

    if (diagnosis->err.code != ERR_FULL) {
        return false;
    }
    if (diagnosis->known_limit > 0) {
        finding_set(out, SEVERITY_CRITICAL, "every one of the %.0f usable connections is taken",
                    diagnosis->known_limit);
    } else {
        finding_set(out, SEVERITY_CRITICAL, "every usable connection is taken");
    }
    finding_add_evidence(out, "%s", diagnosis->err.message);
    finding_add_remedy(out,
                       "psql \"host=%s port=%s dbname=%s user=postgres\" # slots are reserved for "
                       "superusers; RDS: the master user; 16 and newer: members of "
                       "pg_use_reserved_connections",
                       host, info->port, database);
    finding_add_remedy(out, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = "
                            "'idle' AND backend_type = 'client backend' AND pid <> "
                            "pg_backend_pid() AND state_change < now() - interval '5 minutes';");
    finding_add_remedy(out,
                       "poolwarden --diagnose with such a user in url sees who holds the slots");
    finding_add_remedy(out, "without such a user: stop one task of the application; its "
                            "connections end with it");
    return true;
}

bool rule_unreachable(const struct diagnosis *diagnosis, struct finding *out)
{
    if (diagnosis->err.code == ERR_NONE || diagnosis->err.code == ERR_FULL) {
        return false;
    }
    finding_set(out, SEVERITY_CRITICAL, "could not be examined: %s", diagnosis->err.message);
    return true;
}

/* --- not to be seen ------------------------------------------------------------------------- */

static size_t count_invisible(const struct facts *facts)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->session_count; i++) {
        count += !facts->sessions[i].visible;
    }
    return count;
}

bool rule_no_privilege(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct facts *facts = &diagnosis->facts;
    const struct fact_session *own = facts_own(facts);
    size_t hidden = count_invisible(facts);
    struct buf role;

    if (!facts->known[FACT_SESSIONS] || diagnosis->snapshot.privileged || !own) {
        return false;
    }
    buf_init(&role, LINE_MAX_BYTES);
    prose_identifier(own->user, &role);
    finding_set(out, hidden > 0 ? SEVERITY_WARNING : SEVERITY_ADVICE,
                "%s may not see other users' sessions: pg_monitor is missing", buf_text(&role));
    finding_add_evidence(out, "%zu of %zu sessions hide their state, age and client address",
                         hidden, facts->session_count);
    if (hidden > 0) {
        finding_add_evidence(out, "not examined for them: idle in transaction, idle, long-running "
                                  "statements, TLS, client addresses");
    }
    finding_add_remedy(out, "GRANT pg_monitor TO %s;", buf_text(&role));
    buf_done(&role);
    return true;
}

/* --- in the clear --------------------------------------------------------------------------- */

static bool is_in_the_clear(const struct fact_session *session)
{
    return session->visible && !session->tls && session->address[0] != '\0' &&
           strncmp(session->address, "127.", 4) != 0 && strcmp(session->address, "::1") != 0;
}

bool rule_no_tls(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct facts *facts = &diagnosis->facts;
    struct buf count;
    size_t clear = 0;

    for (size_t i = 0; i < facts->session_count; i++) {
        struct buf name;

        if (!is_in_the_clear(&facts->sessions[i]) || ++clear > EVIDENCE_MAX) {
            continue;
        }
        buf_init(&name, LINE_MAX_BYTES);
        plain_name(facts->sessions[i].application, &name);
        finding_add_evidence(out, "%s from %s", buf_text(&name), facts->sessions[i].address);
        buf_done(&name);
    }
    if (clear == 0) {
        return false;
    }
    if (clear > EVIDENCE_MAX) {
        finding_add_evidence(out, "and %zu more", clear - EVIDENCE_MAX);
    }
    buf_init(&count, 64);
    prose_count(clear, "session", &count);
    finding_set(out, SEVERITY_WARNING, "%s over the network without TLS", buf_text(&count));
    buf_done(&count);
    finding_add_remedy(out, "sslmode=verify-full&sslrootcert=FILE in url (Prisma: sslmode=require "
                            "and sslaccept=strict)");
    finding_add_remedy(out, "rds.force_ssl = 1 in the parameter group; elsewhere hostssl instead "
                            "of host in pg_hba.conf");
    return true;
}
