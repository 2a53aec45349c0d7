/*
 * Findings: what --diagnose has to say about one server, each with evidence, what it means and what
 * mends it. One table (finding.c) has one row for each kind; the order of kinds is the order of
 * printing within a severity. Pure: a diagnosis in, findings out.
 *
 * A row's rule looks at what was read and either finds nothing or fills in the finding. What could
 * not be read gives no finding.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "agent/diagnose/facts.h"
#include "agent/pools_look.h"
#include "aws/common/err.h"

enum severity { SEVERITY_CRITICAL, SEVERITY_WARNING, SEVERITY_ADVICE };

struct finding {
    const char *id; /* "leak": for programs, never changes */
    enum severity severity;
    char *title;                 /* what is, in one line */
    struct config_list evidence; /* the rows it is made of, worst first, a few */
    const char *meaning;
    struct config_list remedies; /* statements end with ';' */
};

struct findings {
    struct finding *items; /* worst first */
    size_t count;
};

/* One server, as far as it could be examined. */
struct diagnosis {
    const struct config_database *database;
    struct err err;     /* ERR_NONE: it was examined; ERR_FULL: it has no slot left */
    double known_limit; /* usable connections from an earlier run; 0: not known */
    char version[32];   /* "15.18" */
    struct snapshot snapshot;
    struct facts facts;
    struct config_list gaps; /* facts that could not be had, and why */
    struct fact_pool *pools; /* its own */
    size_t pool_count;
    struct findings findings;
};

void diagnosis_conclude(struct diagnosis *diagnosis); /* fills findings */
void diagnosis_done(struct diagnosis *diagnosis);

/* Of the slots: kept back by the server, left for ordinary users. */
double diagnosis_reserved(const struct diagnosis *diagnosis);
double diagnosis_available(const struct diagnosis *diagnosis);

bool diagnosis_is_healthy(const struct diagnosis *diagnosis); /* advice is no illness */

const char *severity_name(enum severity severity); /* "critical" */

/* --- the budget ----------------------------------------------------------------------------- */

#define BUDGET_PERCENT      60 /* of the usable connections: room for deploys, people and jobs */
#define BUDGET_TASKS_LISTED 10 /* at least: what each of so many tasks may open */

struct budget {
    size_t usable, budget; /* connections */
    size_t in_use;         /* by applications */
    size_t tasks;          /* different pairs of application and client address; 0: not visible */
};

void budget_of(const struct diagnosis *diagnosis, struct budget *out);
size_t budget_per_task(const struct budget *budget, size_t tasks); /* at least 1 */
size_t budget_tasks_listed(const struct budget *budget);

/* --- inside: what rules are made of --------------------------------------------------------- */

#define EVIDENCE_MAX 5 /* rows; the rest is counted */

void finding_set(struct finding *finding, enum severity severity, const char *format, ...)
    PW_PRINTF(3, 4);
void finding_add_evidence(struct finding *finding, const char *format, ...) PW_PRINTF(2, 3);
void finding_add_remedy(struct finding *finding, const char *format, ...) PW_PRINTF(2, 3);

typedef bool finding_rule(const struct diagnosis *diagnosis, struct finding *out);

/* rules_sessions.c */
finding_rule rule_leak, rule_lock_waits, rule_long_queries, rule_stale_idle;
/* rules_capacity.c */
finding_rule rule_slots, rule_budget, rule_connection_limit, rule_several_pools, rule_pooler_due;
/* rules_pools.c */
finding_rule rule_pool_waiting, rule_pool_sizes, rule_pool_mode;
/* rules_access.c */
finding_rule rule_no_slot_left, rule_unreachable, rule_no_privilege, rule_no_tls;
/* rules_settings.c */
finding_rule rule_url, rule_idle_in_transaction_timeout, rule_statement_timeout,
    rule_log_min_duration;
