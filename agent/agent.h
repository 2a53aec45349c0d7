/*
 * The running agent: owns the loop, the clock, every source and every outlet; starts, reloads and
 * stops them.
 *
 *     tick -> a source reads -> on_reading -> the outlet of the database's region -> (publish tick)
 * CloudWatch
 *
 * SIGTERM and SIGINT: the open window is closed and sent; what CloudWatch does not take within 4 s
 * waits in state_dir for the next start. kill -9 loses nothing that was sampled. SIGHUP: the
 * configuration is read anew; a bad one is refused and the old one stays in force.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/*
 * Runs until it is told to stop. Owns config from here on. EXIT_DONE after a signal; EXIT_USAGE
 * when no region is to be found or an endpoint is not usable; EXIT_FAILED when a socket could not
 * be had.
 */
int agent_run(struct config *config, const struct cli *cli);
