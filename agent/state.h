/*
 * What is remembered over a restart: each server's last known usable limit, in
 * state_dir/limits.json.
 *
 * An agent that starts while the server has no slot left can then still say how many connections
 * there are. Reading is done once; a change is written at once, to a new file that replaces the old
 * one. A directory that can not be written costs one warning, and memory serves.
 *
 * The directory belongs to one agent at a time: state_lock() is for the process' life.
 */
#pragma once

#include "aws/common/err.h"

struct state;

/* dir NULL: memory only. Never fails; what is wrong with the directory or the file is in warning
 * (code ERR_NONE when all is well). */
struct state *state_new(const char *dir, struct err *warning);
void state_free(struct state *state);

/* false: another process has it. Without a directory, or one that can not be written, always true.
 */
PW_CHECK bool state_lock(struct state *state, struct err *err);

/* Where more may be kept; NULL: memory only. */
const char *state_dir(const struct state *state);

/* A server is known by its region (NULL: not known yet) and its DBInstanceIdentifier: the same one
 * may stand for another in another region. 0: not known. */
double state_limit(const struct state *state, const char *region, const char *identifier);

/* false: kept in memory, but not written. */
PW_CHECK bool state_set_limit(struct state *state, const char *region, const char *identifier,
                              double usable, struct err *err);
