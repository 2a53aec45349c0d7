/*
 * --diagnose: examines every database side by side, prints findings and remedies, for people (in
 * colour on a terminal) or as JSON: {"databases": [...]}, each as report.h says.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* Runs to its end: EXIT_DONE whatever was found; EXIT_FAILED when a database could not be examined.
 */
int diagnose_run(const struct config *config, enum cli_format format);
