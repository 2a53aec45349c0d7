/* Findings about how many connections there are, and who takes them. */
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "agent/diagnose/holders.h"
#include "agent/diagnose/session_line.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define LINE_MAX_BYTES     4096
#define SLOTS_WARNING      80 /* percent of the usable connections */
#define SLOTS_CRITICAL     95
#define LIMIT_WARNING      80 /* percent of a CONNECTION LIMIT */
#define POOLER_TASKS       10 /* more than that */
#define POOLER_CONNECTIONS 100
#define POOLER_LOGINS      5 /* a second */

static char *name_text(const char *name)
{
    struct buf text;

    buf_init(&text, LINE_MAX_BYTES);
    plain_name(name, &text);
    return buf_take(&text);
}

static char *identifier_text(const char *name)
{
    struct buf text;

    buf_init(&text, LINE_MAX_BYTES);
    prose_identifier(name, &text);
    return buf_take(&text);
}

static void add_holders(struct finding *finding, const struct holders *holders)
{
    for (size_t i = 0; i < holders->count && i < EVIDENCE_MAX; i++) {
        struct buf line;

        buf_init(&line, LINE_MAX_BYTES);
        holder_line(&holders->items[i], &line);
        finding_add_evidence(finding, "%s", buf_text(&line));
        buf_done(&line);
    }
    if (holders->count > EVIDENCE_MAX) {
        finding_add_evidence(finding, "and %zu more", holders->count - EVIDENCE_MAX);
    }
}

/* --- slots ---------------------------------------------------------------------------------- */

static void set_slots_title(struct finding *finding, enum severity severity, double used,
                            double usable, const struct holder *first)
{
    char *name = name_text(first->name);

    if ((double)first->connections * 2 > used) {
        finding_set(finding, severity,
                    "%.0f of %.0f usable connections are taken (%.0f %%), %zu of them by %s", used,
                    usable, 100 * used / usable, first->connections, name);
    } else {
        finding_set(finding, severity, "%.0f of %.0f usable connections are taken (%.0f %%)", used,
                    usable, 100 * used / usable);
    }
    free(name);
}

static void add_per_task_remedy(struct finding *finding, const struct budget *budget)
{
    size_t tasks = budget->tasks > 0 ? budget->tasks : 1;

    if (budget->budget < tasks) {
        finding_add_remedy(finding,
                           "a PgBouncer between applications and server: %zu tasks can not share "
                           "%zu connections",
                           tasks, budget->budget);
    } else if (budget->tasks > 0) {
        finding_add_remedy(finding,
                           "connection_limit=%zu in the URL of each of the %zu tasks seen "
                           "(Prisma 7: max of the adapter)",
                           budget_per_task(budget, tasks), tasks);
    } else {
        finding_add_remedy(finding,
                           "connection_limit = %zu / number of tasks in their URLs (Prisma 7: max "
                           "of the adapter)",
                           budget->budget);
    }
}

static bool any_idle(const struct holders *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        if (holders->items[i].idle > 0) {
            return true;
        }
    }
    return false;
}

bool rule_slots(const struct diagnosis *diagnosis, struct finding *out)
{
    double used = (double)diagnosis->facts.session_count, usable = diagnosis->snapshot.usable;
    struct holders applications;
    struct budget budget;

    if (!diagnosis->facts.known[FACT_SESSIONS] || used == 0 || usable <= 0 ||
        used * 100 < SLOTS_WARNING * usable) {
        return false;
    }
    holders_count(&diagnosis->facts, BY_APPLICATION, false, &applications);
    budget_of(diagnosis, &budget);
    set_slots_title(out,
                    used * 100 >= SLOTS_CRITICAL * usable ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                    used, usable, &applications.items[0]);
    add_holders(out, &applications);
    if (any_idle(&applications)) {
        finding_add_remedy(out, "poolwarden --diagnose --terminate-idle 5m # shows which idle "
                                "sessions it would end; with --yes it ends them");
    }
    add_per_task_remedy(out, &budget);
    holders_done(&applications);
    return true;
}

/* --- the application whose URL was given --------------------------------------------------------
 */

/* Is it a session of the application whose URL was given? */
static bool is_of_url(const struct fact_session *session, const struct fact_session *own)
{
    return fact_is_application(session) && session->visible && own &&
           strcmp(session->user, own->user) == 0 && strcmp(session->database, own->database) == 0;
}

static bool is_same_process(const struct fact_session *a, const struct fact_session *b)
{
    return strcmp(a->address, b->address) == 0 && strcmp(a->application, b->application) == 0;
}

/* How many sessions stand for the process of sessions[row]; 0 when it was counted before. */
static size_t count_of_process(const struct facts *facts, size_t row)
{
    const struct fact_session *own = facts_own(facts), *one = &facts->sessions[row];
    size_t count = 0;

    if (!is_of_url(one, own)) {
        return 0;
    }
    for (size_t i = 0; i < facts->session_count; i++) {
        const struct fact_session *other = &facts->sessions[i];

        if (is_of_url(other, own) && is_same_process(one, other)) {
            if (i < row) {
                return 0;
            }
            count++;
        }
    }
    return count;
}

/* Its tasks that have a session. */
static size_t count_processes(const struct facts *facts)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->session_count; i++) {
        count += count_of_process(facts, i) > 0;
    }
    return count;
}

/* --- the budget ----------------------------------------------------------------------------- */

/* "web: 42 connections, 3 addresses, at most 14 from one" */
static void add_tasks(struct finding *finding, const struct holder *holder)
{
    struct buf line;

    buf_init(&line, LINE_MAX_BYTES);
    plain_name(holder->name, &line);
    buf_puts(&line, ": ");
    prose_count(holder->connections, "connection", &line);
    if (holder->addresses > 0) {
        buf_printf(&line, ", %zu address%s, at most %zu from one", holder->addresses,
                   holder->addresses == 1 ? "" : "es", holder->most);
    }
    finding_add_evidence(finding, "%s", buf_text(&line));
    buf_done(&line);
}

bool rule_budget(const struct diagnosis *diagnosis, struct finding *out)
{
    struct holders applications;
    struct budget budget;

    if (!diagnosis->facts.known[FACT_SESSIONS] || diagnosis->snapshot.usable <= 0) {
        return false;
    }
    budget_of(diagnosis, &budget);
    int limit = diagnosis->database->conninfo.connection_limit;
    size_t tasks = limit > 0 ? count_processes(&diagnosis->facts) : 0;
    size_t could_be = (size_t)limit * tasks;

    if (budget.in_use <= budget.budget && could_be <= budget.budget) {
        return false;
    }
    if (budget.in_use > budget.budget) {
        finding_set(out, SEVERITY_WARNING,
                    "applications hold %zu connections, their budget is %zu (%d %% of %zu usable)",
                    budget.in_use, budget.budget, BUDGET_PERCENT, budget.usable);
    } else {
        finding_set(out, SEVERITY_WARNING,
                    "applications may take %zu connections (%zu tasks, connection_limit %d), "
                    "their budget is %zu (%d %% of %zu usable)",
                    could_be, tasks, limit, budget.budget, BUDGET_PERCENT, budget.usable);
    }
    holders_count(&diagnosis->facts, BY_APPLICATION, true, &applications);
    for (size_t i = 0; i < applications.count && i < EVIDENCE_MAX; i++) {
        add_tasks(out, &applications.items[i]);
    }
    holders_done(&applications);
    add_per_task_remedy(out, &budget);
    return true;
}

/* --- CONNECTION LIMIT ----------------------------------------------------------------------- */

bool rule_connection_limit(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct facts *facts = &diagnosis->facts;
    size_t near = 0, reached = 0;

    for (size_t i = 0; i < facts->limit_count; i++) {
        const struct fact_limit *limit = &facts->limits[i];
        size_t used = facts_count_against(facts, limit);

        if (used * 100 < (size_t)limit->limit * LIMIT_WARNING) {
            continue;
        }
        char *name = identifier_text(limit->name);
        const char *of = limit->of_role ? "ROLE" : "DATABASE";

        near++;
        reached += used >= (size_t)limit->limit;
        finding_add_evidence(out, "%s %s: %zu of CONNECTION LIMIT %d",
                             limit->of_role ? "role" : "database", name, used, limit->limit);
        finding_add_remedy(out, "ALTER %s %s CONNECTION LIMIT %zu;", of, name,
                           (size_t)limit->limit * 2);
        free(name);
    }
    if (near > 0) {
        finding_set(out, reached > 0 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                    reached > 0 ? "%zu CONNECTION LIMIT%s reached"
                                : "%zu CONNECTION LIMIT%s almost reached",
                    reached > 0 ? reached : near, (reached > 0 ? reached : near) == 1 ? "" : "s");
    }
    return near > 0;
}

/* --- more than connection_limit -------------------------------------------------------------- */

bool rule_several_pools(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct facts *facts = &diagnosis->facts;
    size_t limit = (size_t)diagnosis->database->conninfo.connection_limit, found = 0;

    for (size_t i = 0; limit > 0 && i < facts->session_count; i++) {
        size_t count = count_of_process(facts, i);

        if (count <= limit || ++found > EVIDENCE_MAX) {
            continue;
        }
        char *name = name_text(facts->sessions[i].application);
        const char *address = facts->sessions[i].address;

        finding_add_evidence(out, "%s from %s: %zu connections", name,
                             address[0] != '\0' ? address : "a unix socket", count);
        free(name);
    }
    if (found == 0) {
        return false;
    }
    finding_set(out, SEVERITY_WARNING,
                "more connections from one place than connection_limit=%zu allows", limit);
    finding_add_remedy(out, "one PrismaClient a process: const prisma = globalThis.prisma ?? new "
                            "PrismaClient()");
    finding_add_remedy(out, "connection_limit divided by the processes of a task (cluster, pm2, "
                            "workers)");
    return true;
}

/* --- when a pooler is due -------------------------------------------------------------------- */

static bool has_pgbouncer(const struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        if (diagnosis->pools[i].pool->type == POOL_PGBOUNCER) {
            return true;
        }
    }
    return diagnosis->database->conninfo.pgbouncer;
}

bool rule_pooler_due(const struct diagnosis *diagnosis, struct finding *out)
{
    double logins_per_s = facts_logins_per_s(&diagnosis->facts);
    struct budget budget;

    if (!diagnosis->facts.known[FACT_SESSIONS] || has_pgbouncer(diagnosis)) {
        return false;
    }
    budget_of(diagnosis, &budget);
    if (budget.tasks > POOLER_TASKS) {
        finding_add_evidence(out, "%zu tasks (application and client address)", budget.tasks);
    }
    if (budget.in_use > POOLER_CONNECTIONS) {
        finding_add_evidence(out, "%zu connections of applications", budget.in_use);
    }
    if (logins_per_s > POOLER_LOGINS) {
        finding_add_evidence(out, "%.0f logins a second", logins_per_s);
    }
    if (out->evidence.count == 0) {
        return false;
    }
    finding_set(out, SEVERITY_ADVICE, "a PgBouncer is due");
    finding_add_remedy(out,
                       "PgBouncer: pool_mode = transaction, default_pool_size = %zu, "
                       "max_client_conn above all tasks' pools together",
                       budget_per_task(&budget, 1));
    finding_add_remedy(out, "Prisma behind it: pgbouncer=true in DATABASE_URL, the server itself "
                            "in directUrl");
    return true;
}
