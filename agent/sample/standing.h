/*
 * How a database stands, and what of that has been said: each change once, not each repetition.
 *
 *     standing_init(&standing, "database orders", quiet);
 *     standing_failed(&standing, &session, &err, "; reconnecting");
 *     standing_answered(&standing, &session, &snapshot);
 *     standing_forget(&standing);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/sample/queries.h"
#include "agent/sample/reasons.h"
#include "agent/sample/session.h"

enum standing_role { ROLE_UNKNOWN, ROLE_WRITER, ROLE_READER };

struct standing {
    const char *name;        /* borrowed */
    bool quiet;              /* whoever asked for outcomes tells them */
    bool was_up;             /* ever */
    bool down;               /* something has been said that is not taken back yet */
    uint64_t down_since_ms;  /* the loop's clock */
    struct err reason;       /* of the last failure; ERR_NONE: it was answered since */
    struct reasons reasons;  /* said since it is down */
    enum standing_role role; /* when last answered */
    bool grant_told;
};

void standing_init(struct standing *standing, const char *name, bool quiet);

/* next: what happens now, said behind the reason. */
void standing_failed(struct standing *standing, const struct session *session,
                     const struct err *err, const char *next);
void standing_answered(struct standing *standing, const struct session *session,
                       const struct snapshot *snapshot);

/* Another agent samples it: nothing more is said of what was. Also the end. */
void standing_forget(struct standing *standing);
bool standing_is_up(const struct standing *standing);
