/* Findings about what single sessions do. */
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "agent/diagnose/session_line.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define LINE_MAX_BYTES  4096
#define LOCK_WAIT_MIN_S 1.0 /* shorter ones are everyday life */
#define LOCK_CRITICAL_S 60.0
#define LOCK_CRITICAL   5 /* waiters */
#define DEPTH_MAX       16
#define STALE_WARNING   25 /* percent of the usable connections */

typedef bool session_fits(const struct diagnosis *diagnosis, const struct fact_session *session);

/* --- those of one sort, the oldest first ---------------------------------------------------- */

struct selection {
    const struct fact_session **items;
    size_t count;
};

/* How long a session has been doing what it does. */
static double since_s(const struct fact_session *session)
{
    return strcmp(session->state, "active") == 0 ? session->query_age_s : session->state_age_s;
}

static int compare_ages(const void *a, const void *b)
{
    double left = since_s(*(const struct fact_session *const *)a);
    double right = since_s(*(const struct fact_session *const *)b);

    return left < right ? 1 : left > right ? -1 : 0;
}

static void select_sessions(const struct diagnosis *diagnosis, session_fits *fits,
                            struct selection *out)
{
    const struct facts *facts = &diagnosis->facts;

    out->items = mem_alloc(facts->session_count * sizeof(struct fact_session *));
    out->count = 0;
    for (size_t i = 0; i < facts->session_count; i++) {
        const struct fact_session *session = &facts->sessions[i];

        if (!session->own && session->visible && fits(diagnosis, session)) {
            out->items[out->count++] = session;
        }
    }
    qsort(out->items, out->count, sizeof(struct fact_session *), compare_ages);
}

static void add_evidence(struct finding *finding, const struct selection *selection)
{
    for (size_t i = 0; i < selection->count && i < EVIDENCE_MAX; i++) {
        struct buf line;

        buf_init(&line, LINE_MAX_BYTES);
        session_line(selection->items[i], &line);
        finding_add_evidence(finding, "%s", buf_text(&line));
        buf_done(&line);
    }
    if (selection->count > EVIDENCE_MAX) {
        finding_add_evidence(finding, "and %zu more", selection->count - EVIDENCE_MAX);
    }
}

/* "SELECT pg_cancel_backend(pid) FROM unnest('{1,2}'::int[]) pid;" */
static void add_pids_remedy(struct finding *finding, const struct selection *selection,
                            const char *function)
{
    struct buf pids;

    if (selection->count == 1) {
        finding_add_remedy(finding, "SELECT %s(%d);", function, selection->items[0]->pid);
        return;
    }
    buf_init(&pids, 1u << 20);
    for (size_t i = 0; i < selection->count; i++) {
        buf_printf(&pids, "%s%d", i > 0 ? "," : "", selection->items[i]->pid);
    }
    finding_add_remedy(finding, "SELECT pid, %s(pid) FROM unnest('{%s}'::int[]) pid;", function,
                       buf_text(&pids));
    buf_done(&pids);
}

static char *age_text(double seconds)
{
    struct buf text;

    buf_init(&text, 64);
    prose_age(seconds, &text);
    return buf_take(&text);
}

/* "3 sessions"; owned by the caller, as is age_text(). */
static char *count_text(size_t count, const char *noun)
{
    struct buf text;

    buf_init(&text, 256);
    prose_count(count, noun, &text);
    return buf_take(&text);
}

static void set_title(struct finding *finding, enum severity severity,
                      const struct selection *selection, const char *noun, const char *doing,
                      int threshold_ms)
{
    char *count = count_text(selection->count, noun);
    char *threshold = age_text(threshold_ms / 1000.0);
    char *oldest = age_text(since_s(selection->items[0]));

    finding_set(finding, severity, "%s %s longer than %s, the oldest for %s", count, doing,
                threshold, oldest);
    free(count);
    free(threshold);
    free(oldest);
}

/* --- transactions that were forgotten ------------------------------------------------------- */

static bool is_leak(const struct diagnosis *diagnosis, const struct fact_session *session)
{
    return strncmp(session->state, "idle in transaction", 19) == 0 &&
           session->state_age_s * 1000 > diagnosis->database->leak_ms;
}

bool rule_leak(const struct diagnosis *diagnosis, struct finding *out)
{
    struct selection leaks;

    select_sessions(diagnosis, is_leak, &leaks);
    bool found = leaks.count > 0;

    if (found) {
        struct buf role;

        buf_init(&role, LINE_MAX_BYTES);
        prose_identifier(leaks.items[0]->user, &role);
        set_title(out, SEVERITY_CRITICAL, &leaks, "session", "idle in transaction",
                  diagnosis->database->leak_ms);
        add_evidence(out, &leaks);
        add_pids_remedy(out, &leaks, "pg_terminate_backend");
        finding_add_remedy(out, "ALTER ROLE %s SET idle_in_transaction_session_timeout = '60s';",
                           buf_text(&role));
        buf_done(&role);
    }
    free(leaks.items);
    return found;
}

/* --- statements that run -------------------------------------------------------------------- */

/* Who waits for a lock is not slow, but held up: see the chain. */
static bool is_long(const struct diagnosis *diagnosis, const struct fact_session *session)
{
    return strcmp(session->state, "active") == 0 && !session->on_lock &&
           session->query_age_s * 1000 > diagnosis->database->long_query_ms;
}

bool rule_long_queries(const struct diagnosis *diagnosis, struct finding *out)
{
    struct selection slow;

    select_sessions(diagnosis, is_long, &slow);
    bool found = slow.count > 0;

    if (found) {
        set_title(out, SEVERITY_WARNING, &slow, "statement", slow.count == 1 ? "runs" : "run",
                  diagnosis->database->long_query_ms);
        add_evidence(out, &slow);
        add_pids_remedy(out, &slow, "pg_cancel_backend");
    }
    free(slow.items);
    return found;
}

/* --- sessions that nobody uses -------------------------------------------------------------- */

static bool is_stale(const struct diagnosis *diagnosis, const struct fact_session *session)
{
    return strcmp(session->state, "idle") == 0 &&
           session->state_age_s * 1000 > diagnosis->database->stale_idle_ms;
}

bool rule_stale_idle(const struct diagnosis *diagnosis, struct finding *out)
{
    struct selection stale;

    select_sessions(diagnosis, is_stale, &stale);
    bool found = stale.count > 0;

    if (found) {
        bool many = (double)stale.count * 100 > STALE_WARNING * diagnosis->snapshot.usable;

        set_title(out, many ? SEVERITY_WARNING : SEVERITY_ADVICE, &stale, "session", "idle",
                  diagnosis->database->stale_idle_ms);
        add_evidence(out, &stale);
        finding_add_remedy(out,
                           "poolwarden --diagnose --terminate-idle %dm # shows which it would "
                           "end; with --yes it ends them",
                           diagnosis->database->stale_idle_ms / 60000 > 0
                               ? diagnosis->database->stale_idle_ms / 60000
                               : 1);
        finding_add_remedy(out, "a lower connection_limit, or an idle timeout of the pool "
                                "(idleTimeoutMillis, max_idle_connection_lifetime)");
    }
    free(stale.items);
    return found;
}

/* --- who blocks whom ------------------------------------------------------------------------ */

struct chain {
    const struct diagnosis *diagnosis;
    struct finding *finding;
    size_t waiters;
    double longest_s;
};

/* Before PostgreSQL 14 nobody tells how long one waits; not longer than its statement runs. */
static double wait_s(const struct diagnosis *diagnosis, const struct fact_wait *wait)
{
    const struct fact_session *session = facts_session_of(&diagnosis->facts, wait->waiter);

    return wait->waited_s >= 0           ? wait->waited_s
           : session && session->visible ? session->query_age_s
                                         : -1;
}

static bool is_waiter(const struct diagnosis *diagnosis, int pid)
{
    const struct facts *facts = &diagnosis->facts;

    for (size_t i = 0; i < facts->wait_count; i++) {
        if (facts->waits[i].waiter == pid) {
            return true;
        }
    }
    return false;
}

/* The one of a waiter's blockers below which it is shown: the nearest, who waits too, else the
 * first. -1: it does not wait. */
static int parent_of(const struct diagnosis *diagnosis, int waiter)
{
    const struct facts *facts = &diagnosis->facts;
    int parent = -1;

    for (size_t i = 0; i < facts->wait_count; i++) {
        const struct fact_wait *wait = &facts->waits[i];

        if (wait->waiter == waiter && (parent < 0 || is_waiter(diagnosis, wait->blocker))) {
            parent = wait->blocker;
        }
    }
    return parent;
}

static bool is_first_row_of(const struct facts *facts, size_t row)
{
    for (size_t i = 0; i < row; i++) {
        if (facts->waits[i].waiter == facts->waits[row].waiter) {
            return false;
        }
    }
    return true;
}

static void describe(const struct chain *chain, int pid, struct buf *out)
{
    const struct fact_session *session = facts_session_of(&chain->diagnosis->facts, pid);

    if (pid == 0) {
        buf_puts(out, "a prepared transaction (see pg_prepared_xacts)");
    } else if (session) {
        session_line(session, out);
    } else {
        buf_printf(out, "pid %d, no client session (autovacuum, a worker, replication)", pid);
    }
}

static void add_waiters(struct chain *chain, int blocker, int depth);

static void add_waiter(struct chain *chain, const struct fact_wait *wait, int depth)
{
    double waited_s = wait_s(chain->diagnosis, wait);
    struct buf line;

    chain->waiters++;
    chain->longest_s = waited_s > chain->longest_s ? waited_s : chain->longest_s;
    if (chain->finding->evidence.count < (size_t)4 * EVIDENCE_MAX) {
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "%*s", 2 * depth, "");
        buf_puts(&line, "blocks, for ");
        prose_age(waited_s, &line);
        buf_puts(&line, ": ");
        describe(chain, wait->waiter, &line);
        finding_add_evidence(chain->finding, "%s", buf_text(&line));
        buf_done(&line);
    }
    add_waiters(chain, wait->waiter, depth + 1);
}

static void add_waiters(struct chain *chain, int blocker, int depth)
{
    const struct facts *facts = &chain->diagnosis->facts;

    for (size_t i = 0; i < facts->wait_count && depth < DEPTH_MAX; i++) {
        if (is_first_row_of(facts, i) &&
            parent_of(chain->diagnosis, facts->waits[i].waiter) == blocker) {
            add_waiter(chain, &facts->waits[i], depth);
        }
    }
}

static void add_root_remedy(struct chain *chain, int pid)
{
    const struct fact_session *session = facts_session_of(&chain->diagnosis->facts, pid);

    if (pid == 0) {
        finding_add_remedy(chain->finding, "SELECT gid, prepared, owner, database FROM "
                                           "pg_prepared_xacts ORDER BY prepared;");
        finding_add_remedy(chain->finding, "ROLLBACK PREPARED 'gid';");
    } else if (session && strcmp(session->state, "active") == 0) {
        finding_add_remedy(chain->finding, "SELECT pg_cancel_backend(%d);", pid);
    } else {
        finding_add_remedy(chain->finding, "SELECT pg_terminate_backend(%d);", pid);
    }
}

/* Whoever blocks and waits for nobody. */
static void add_root(struct chain *chain, int pid)
{
    struct buf line;

    buf_init(&line, LINE_MAX_BYTES);
    describe(chain, pid, &line);
    finding_add_evidence(chain->finding, "%s", buf_text(&line));
    buf_done(&line);
    add_waiters(chain, pid, 1);
    add_root_remedy(chain, pid);
}

static bool blocks_for_long(const struct diagnosis *diagnosis, int root)
{
    const struct facts *facts = &diagnosis->facts;

    for (size_t i = 0; i < facts->wait_count; i++) {
        double waited_s = wait_s(diagnosis, &facts->waits[i]);

        if (facts->waits[i].blocker == root && (waited_s < 0 || waited_s >= LOCK_WAIT_MIN_S)) {
            return true;
        }
    }
    return false;
}

static bool is_new_root(const struct diagnosis *diagnosis, size_t row)
{
    const struct facts *facts = &diagnosis->facts;
    int blocker = facts->waits[row].blocker;

    for (size_t i = 0; i < row; i++) {
        if (facts->waits[i].blocker == blocker) {
            return false;
        }
    }
    return !is_waiter(diagnosis, blocker) && blocks_for_long(diagnosis, blocker);
}

bool rule_lock_waits(const struct diagnosis *diagnosis, struct finding *out)
{
    struct chain chain = {.diagnosis = diagnosis, .finding = out, .longest_s = -1};
    size_t roots = 0;
    int first = 0;

    for (size_t i = 0; i < diagnosis->facts.wait_count; i++) {
        if (is_new_root(diagnosis, i)) {
            first = roots++ == 0 ? diagnosis->facts.waits[i].blocker : first;
            add_root(&chain, diagnosis->facts.waits[i].blocker);
        }
    }
    if (roots == 0) {
        return false;
    }
    char *longest = age_text(chain.longest_s);
    char *who = roots > 1    ? mem_printf("%zu others", roots)
                : first == 0 ? mem_strdup("a prepared transaction")
                             : mem_printf("pid %d", first);
    char *count = count_text(chain.waiters, "session");

    finding_set(out,
                chain.longest_s >= LOCK_CRITICAL_S || chain.waiters >= LOCK_CRITICAL
                    ? SEVERITY_CRITICAL
                    : SEVERITY_WARNING,
                "%s wait%s for locks behind %s, the longest for %s", count,
                chain.waiters == 1 ? "s" : "", who, longest);
    free(longest);
    free(who);
    free(count);
    return true;
}
