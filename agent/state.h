/*
 * What is remembered over a restart: each server's last known usable limit, in
 * state_dir/limits.json.
 *
 * An agent that starts while the server has no slot left can then still say how many connections
 * there are. Reading is done once; a change is written at once, to a new file that replaces the old
 * one. A directory that can not be written costs one warning, and memory serves.
 */
#pragma once

#include "aws/common/err.h"

struct state;

/* dir NULL: memory only. Never fails; what is wrong with the directory or the file is in warning
 * (code ERR_NONE when all is well). */
struct state *state_new(const char *dir, struct err *warning);
void state_free(struct state *state);

/* server: "eu-west-1/orders". 0: not known. */
double state_limit(const struct state *state, const char *server);

/* false: kept in memory, but not written. */
PW_CHECK bool state_set_limit(struct state *state, const char *server, double usable,
                              struct err *err);
