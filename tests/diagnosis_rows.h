/*
 * A diagnosis made by hand, for the tests of rules and reports.
 *
 *     struct diagnosis *got = diagnosis_made(&database, sessions, count);
 *     ... more facts ...
 *     diagnosis_conclude(got);
 *     diagnosis_free_made(got);
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "aws/common/mem.h"

/* usable 47 of 50; every fact known, every setting set; the session that asks among the sessions:
 * role poolwarden, database orders. */
static inline struct diagnosis *diagnosis_made(const struct config_database *database,
                                               const struct fact_session *sessions, size_t count)
{
    struct diagnosis *made = mem_alloc(sizeof(*made));

    made->database = database;
    made->snapshot = (struct snapshot){.privileged = true, .max_connections = 50, .usable = 47};
    memcpy(made->version, "15.18", 6);
    for (int i = 0; i < FACT_COUNT; i++) {
        made->facts.known[i] = true;
    }
    for (int i = 0; i < SETTING_COUNT; i++) {
        made->facts.settings[i] = true;
    }
    made->facts.logins_apart_s = 2;
    made->facts.session_count = count + 1;
    made->facts.sessions = mem_alloc((count + 1) * sizeof(*sessions));
    if (count > 0) {
        memcpy(made->facts.sessions, sessions, count * sizeof(*sessions));
    }
    made->facts.sessions[count] = (struct fact_session){.pid = 1,
                                                        .own = true,
                                                        .visible = true,
                                                        .user = "poolwarden",
                                                        .database = "orders",
                                                        .application = "poolwarden",
                                                        .state = "active",
                                                        .address = "127.0.0.1",
                                                        .query = ""};
    return made;
}

static inline void diagnosis_free_made(struct diagnosis *made)
{
    diagnosis_done(made);
    free(made);
}

/* A session of role app in database orders that is idle since a moment ago. */
static inline struct fact_session session_made(int pid, const char *application,
                                               const char *address)
{
    return (struct fact_session){.pid = pid,
                                 .visible = true,
                                 .user = "app",
                                 .database = "orders",
                                 .application = application,
                                 .age_s = 60,
                                 .state = "idle",
                                 .address = address,
                                 .query = "",
                                 .tls = true,
                                 .query_age_s = 1,
                                 .state_age_s = 1,
                                 .transaction_age_s = -1};
}
