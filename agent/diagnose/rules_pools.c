/* Findings about the pools between applications and server. */
#include <math.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "agent/prose.h"

#define LINE_BYTES_MAX  4096
#define WAIT_MIN_S      1.0 /* shorter ones are what a queue is for */
#define WAIT_CRITICAL_S 5.0

/* Somebody waits for long, or nearly always. */
static bool has_queue(const struct fact_pool *pool)
{
    return pool->max_wait_s >= WAIT_MIN_S ||
           (pool->waiting_readings > 1 && pool->waiting_readings * 2 > pool->readings);
}

/* Nothing for what was not told. */
static void add_number(struct buf *line, const char *before, double value, const char *behind)
{
    if (!isnan(value)) {
        buf_printf(line, "%s%.3g%s", before, value, behind);
    }
}

static void add_pool(struct finding *finding, const struct fact_pool *pool)
{
    struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line, "pool %s", pool->pool->name);
    add_number(&line, ": ", pool->waiting, pool->waiting == 1 ? " client waits" : " clients wait");
    add_number(&line, ", the longest for ", pool->max_wait_s, " s");
    add_number(&line, ", ", pool->busy, " connections busy");
    add_number(&line, " of ", pool->size, "");
    add_number(&line, ", ", pool->timeouts > 0 ? pool->timeouts : NAN, " gave up meanwhile");
    finding_add_evidence(finding, "%s", buf_text(&line));
    buf_done(&line);
}

bool rule_pool_waiting(const struct diagnosis *diagnosis, struct finding *out)
{
    double longest_s = 0;
    size_t found = 0;

    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        const struct fact_pool *pool = &diagnosis->pools[i];

        if (has_queue(pool)) {
            found++;
            longest_s = fmax(longest_s, pool->max_wait_s);
            add_pool(out, pool);
        }
    }
    if (found == 0) {
        return false;
    }
    finding_set(out, longest_s >= WAIT_CRITICAL_S ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                "clients of %zu pool%s wait for a connection", found, found == 1 ? "" : "s");
    finding_add_remedy(out, "shorten what keeps its connections: transactions that wait, long "
                            "statements, leaks");
    finding_add_remedy(out, "a larger pool where the budget has room: default_pool_size of "
                            "PgBouncer, connection_limit or max of the application");
    return true;
}

bool rule_pool_sizes(const struct diagnosis *diagnosis, struct finding *out)
{
    struct budget budget;
    double sum = 0;

    if (!diagnosis->facts.known[FACT_SESSIONS]) {
        return false;
    }
    budget_of(diagnosis, &budget);
    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        const struct fact_pool *pool = &diagnosis->pools[i];

        if (!isnan(pool->size)) {
            sum += pool->size;
            finding_add_evidence(out, "pool %s: %.0f", pool->pool->name, pool->size);
        }
    }
    if (sum <= (double)budget.budget) {
        return false;
    }
    finding_set(out, SEVERITY_WARNING,
                "pools may open %.0f connections, their budget is %zu (%d %% of %zu usable)", sum,
                budget.budget, BUDGET_PERCENT, budget.usable);
    finding_add_remedy(out,
                       "sizes that add up to %zu: default_pool_size counts for each pair of "
                       "user and database of a PgBouncer, max_db_connections bounds them "
                       "together",
                       budget.budget);
    return true;
}

bool rule_pool_mode(const struct diagnosis *diagnosis, struct finding *out)
{
    size_t found = 0;

    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        const struct fact_pool *pool = &diagnosis->pools[i];

        if (pool->session_pooled && pool->session_pooled[0] != '\0') {
            found++;
            finding_add_evidence(out, "pool %s: %s", pool->pool->name, pool->session_pooled);
        }
    }
    if (found == 0) {
        return false;
    }
    finding_set(out, SEVERITY_ADVICE, "PgBouncer pools by session");
    finding_add_remedy(out, "pool_mode = transaction in pgbouncer.ini, then RELOAD on its console; "
                            "Prisma: pgbouncer=true in DATABASE_URL");
    return true;
}
