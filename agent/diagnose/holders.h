/*
 * Who holds the slots: sessions counted by application, user, database or client address. Pure.
 */
#pragma once

#include "agent/diagnose/facts.h"

enum holder_by { BY_APPLICATION, BY_USER, BY_DATABASE, BY_ADDRESS, HOLDER_BY_COUNT };

struct holder {
    const char *name; /* the facts'; "(local)" for a unix socket, "(not visible)" */
    size_t connections, active, idle, in_transaction, other;
    size_t addresses; /* different ones; 0: not visible */
    size_t most;      /* connections of the address that has most */
    double oldest_s;  /* of its connections; -1: not known */
};

struct holders {
    struct holder *items; /* largest first */
    size_t count;
};

const char *holder_by_name(enum holder_by by); /* "application" */

/* applications_only: see fact_is_application() */
void holders_count(const struct facts *facts, enum holder_by by, bool applications_only,
                   struct holders *out);
void holders_done(struct holders *holders);
