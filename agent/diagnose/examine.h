/*
 * Reads one server for a diagnosis: one session, read-only, each statement with a deadline.
 *
 *     examine_start(loop, &config->databases[0], on_examined, self);
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

void examine_start(uv_loop_t *loop, const struct config_database *database, double known_limit,
                   examine_done *done, void *arg);
