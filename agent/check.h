/*
 * --check-config: the configuration as it is in force, secrets hidden, and what it will cost.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* Appends the page (text) or the document (JSON) that the mode prints. */
void check_print(const struct config *config, enum cli_format format, struct buf *out);
