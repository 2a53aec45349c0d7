#include "agent/diagnose/finding.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_value.h"
#include "agent/diagnose/holders.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

static const struct {
    const char *id;
    finding_rule *rule;
    const char *meaning;
} kinds[] = {
    {"no_slot_left", rule_no_slot_left,
     "The server refuses ordinary users. Somebody who may use a reserved slot has to make room."},
    {"unreachable", rule_unreachable, "Nothing is known of this server's connections."},
    {"slots", rule_slots,
     "When none is left, new connections fail with 53300 \"sorry, too many clients already\"."},
    {"pool_waiting", rule_pool_waiting,
     "Requests queue for a connection: what users feel as slowness, then as pool timeouts."},
    {"connection_limit", rule_connection_limit,
     "At its CONNECTION LIMIT a role or database is refused (53300 \"too many connections for "
     "...\") however many slots the server has left."},
    {"lock_waits", rule_lock_waits,
     "Who waits keeps a connection, and those who come behind fill the pool. Only the first in the "
     "chain can be helped; the others follow by themselves."},
    {"leak", rule_leak,
     "The application began a transaction and forgot it: each of these keeps a slot, its locks, "
     "and "
     "dead rows from being cleaned up."},
    {"long_queries", rule_long_queries,
     "A connection is busy as long as its statement runs; slow statements are the usual reason for "
     "a pool that runs dry."},
    {"budget", rule_budget,
     "The rest is for deploys (old and new tasks run side by side), migrations, jobs and people; "
     "without it the next deploy or retry storm finds no slot."},
    {"pool_sizes", rule_pool_sizes,
     "When all of them fill up at once, the server's slots are gone before the pools are full."},
    {"several_pools", rule_several_pools,
     "A process has more than one pool: a PrismaClient made anew for each request or module, or "
     "several processes behind one address."},
    {"stale_idle", rule_stale_idle,
     "Right for the few that a pool keeps warm; more are slots that nobody else can use."},
    {"no_privilege", rule_no_privilege,
     "Counts are right, but for parallel workers; what these sessions do can not be told."},
    {"no_tls", rule_no_tls, "Passwords' proofs and data travel in the clear."},
    {"pooler_due", rule_pooler_due,
     "Each connection is a process of the server; from here on a pooler between applications and "
     "server costs less than what it saves."},
    {"pool_mode", rule_pool_mode,
     "A client keeps its server connection as long as it is connected, idle or not: the pool "
     "bounds connections, but does not share them."},
    {"url_parameters", rule_url,
     "Parameters of Prisma in url. Prisma 7 ignores them: there they are max and "
     "connectionTimeoutMillis of the driver adapter."},
    {"idle_in_transaction_session_timeout", rule_idle_in_transaction_timeout,
     "A transaction that an application forgets stays open for ever."},
    {"statement_timeout", rule_statement_timeout,
     "A statement may run, and keep its connection, for ever."},
    {"log_min_duration_statement", rule_log_min_duration,
     "The server does not log slow statements: afterwards nobody can say which they were."},
};

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {"critical", "warning", "advice"};

    return names[severity];
}

/* --- making one ----------------------------------------------------------------------------- */

static char *format_text(const char *format, va_list args) PW_PRINTF(1, 0);
static char *format_text(const char *format, va_list args)
{
    char *text = NULL;

    return mem_check(vasprintf(&text, format, args) < 0 ? NULL : text);
}

/* What a server says may be in it. The blanks before it stay: they show who blocks whom. */
static char *format_plain(const char *format, va_list args) PW_PRINTF(1, 0);
static char *format_plain(const char *format, va_list args)
{
    char *text = format_text(format, args);
    size_t blanks = strspn(text, " ");
    struct buf plain;

    buf_init(&plain, TEXT_BYTES_MAX);
    buf_add(&plain, text, blanks);
    prose_plain(text + blanks, TEXT_BYTES_MAX / 8, &plain);
    free(text);
    return buf_take(&plain);
}

void finding_set(struct finding *finding, enum severity severity, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(finding->title);
    finding->title = format_plain(format, args);
    finding->severity = severity;
    va_end(args);
}

void finding_add_evidence(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = format_plain(format, args);
    va_end(args);
    value_list_add(&finding->evidence, text);
    free(text);
}

void finding_add_remedy(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    value_list_add(&finding->remedies, text);
    free(text);
}

static void list_done(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    memset(list, 0, sizeof(*list));
}

static void finding_done(struct finding *finding)
{
    free(finding->title);
    list_done(&finding->evidence);
    list_done(&finding->remedies);
}

/* --- all of them ---------------------------------------------------------------------------- */

/* Stable: kinds of one severity stay in the table's order. */
static void insert(struct findings *findings, const struct finding *finding)
{
    size_t at = findings->count++;

    while (at > 0 && findings->items[at - 1].severity > finding->severity) {
        findings->items[at] = findings->items[at - 1];
        at--;
    }
    findings->items[at] = *finding;
}

void diagnosis_conclude(struct diagnosis *diagnosis)
{
    struct findings *findings = &diagnosis->findings;

    diagnosis->facts.snapshot = &diagnosis->snapshot;
    findings->items = mem_alloc(MEM_COUNT(kinds) * sizeof(*findings->items));
    for (size_t i = 0; i < MEM_COUNT(kinds); i++) {
        struct finding finding = {.id = kinds[i].id, .meaning = kinds[i].meaning};

        if (kinds[i].rule(diagnosis, &finding)) {
            insert(findings, &finding);
        } else {
            finding_done(&finding);
        }
    }
}

void diagnosis_done(struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->findings.count; i++) {
        finding_done(&diagnosis->findings.items[i]);
    }
    free(diagnosis->findings.items);
    list_done(&diagnosis->gaps);
    free(diagnosis->pools);
    snapshot_done(&diagnosis->snapshot);
    facts_done(&diagnosis->facts);
    memset(diagnosis, 0, sizeof(*diagnosis));
}

double diagnosis_reserved(const struct diagnosis *diagnosis)
{
    return diagnosis->snapshot.max_connections - diagnosis->snapshot.usable;
}

double diagnosis_available(const struct diagnosis *diagnosis)
{
    return fmax(0, diagnosis->snapshot.usable - (double)diagnosis->facts.session_count);
}

bool diagnosis_is_healthy(const struct diagnosis *diagnosis)
{
    return diagnosis->err.code == ERR_NONE && diagnosis->gaps.count == 0 &&
           (diagnosis->findings.count == 0 ||
            diagnosis->findings.items[0].severity == SEVERITY_ADVICE);
}

/* --- the budget ----------------------------------------------------------------------------- */

void budget_of(const struct diagnosis *diagnosis, struct budget *out)
{
    struct holders applications;

    holders_count(&diagnosis->facts, BY_APPLICATION, true, &applications);
    *out = (struct budget){.usable = (size_t)diagnosis->snapshot.usable};
    out->budget = out->usable * BUDGET_PERCENT / 100;
    for (size_t i = 0; i < applications.count; i++) {
        out->in_use += applications.items[i].connections;
        out->tasks += applications.items[i].addresses;
    }
    holders_done(&applications);
}

size_t budget_per_task(const struct budget *budget, size_t tasks)
{
    size_t each = budget->budget / (tasks > 0 ? tasks : 1);

    return each > 0 ? each : 1;
}

size_t budget_tasks_listed(const struct budget *budget)
{
    return budget->tasks > BUDGET_TASKS_LISTED ? budget->tasks : BUDGET_TASKS_LISTED;
}
