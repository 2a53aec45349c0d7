/*
 * --diagnose --terminate-idle 5m: shows which idle sessions of every database it would end (idle.h
 * says which), and ends them only with --yes, one by one.
 *
 * As JSON: {"yes": false, "databases": [{"name": "orders", "server": "...", "error": null,
 * "sessions": [{"pid": 123, "application", "user", "database", "address", "idle_s": 720.5, "fate":
 * "spared" | "ended" | "changed" | "failed", "error"}]}]}
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* EXIT_DONE; EXIT_FAILED when a database could not be asked or a session could not be ended. */
int terminate_run(const struct config *config, const struct cli *cli);
