/*
 * --watch: the agent's numbers live, once a second: pictures on a terminal, lines elsewhere.
 *
 * It samples by itself (one session a database, as the agent does) and publishes nothing. q, ^C and
 * SIGTERM end it; ^Z pauses it. On a terminal nothing is logged: what is wrong with a database
 * stands in its picture.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* Runs until it is ended: EXIT_DONE; EXIT_FAILED when it can not begin. */
int watch_run(const struct config *config, enum cli_format format);
