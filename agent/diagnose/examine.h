/*
 * Reads one server for a diagnosis: one session, read-only, each statement with a deadline.
 *
 *     examine_start(&options);
 *     -> on_examined(self, diagnosis)          once, later; the diagnosis is the callee's
 *
 * About two seconds, because logins are counted over that time. A fact that can not be had is a
 * gap, not a failure; a session that can not be had, or is lost, ends it: diagnosis->err.
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/diagnose/finding.h"

struct examination;

/* Free it with diagnosis_done() and free(). */
typedef void examine_done(void *arg, struct diagnosis *diagnosis);

struct examine_options {
    uv_loop_t *loop;
    const struct config_database *database; /* borrowed, as long as the diagnosis is used */
    const struct aws_access *aws;           /* borrowed; NULL: see login.h */
    double known_limit; /* usable connections known from an earlier run; 0: not known */
    examine_done *done;
    void *arg;
};

void examine_start(const struct examine_options *options);
