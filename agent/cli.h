/*
 * The command line as one table: options, what they mean, the text of --help. Pure.
 *
 * Long options are written in full, with "--option VALUE" or "--option=VALUE"; short ones may be
 * joined ("-nc FILE"). One mode at most.
 */
#pragma once

#include <stdbool.h>

#include "agent/log.h"
#include "aws/common/buf.h"
#include "aws/common/err.h"

enum cli_mode {
    MODE_RUN,
    MODE_SETUP_ALARMS,
    MODE_ONCE,
    MODE_CHECK_CONFIG,
    MODE_HEALTH,
    MODE_VERSION,
    MODE_HELP
};

enum cli_format { FORMAT_TEXT, FORMAT_JSON };

struct cli {
    enum cli_mode mode;
    const char *config_file; /* NULL: the default place; borrowed from argv */
    bool dry_run;
    enum cli_format format;
    enum log_level log_level;
};

/* ERR_CONFIG: one sentence that says which word, why, and what is accepted. */
PW_CHECK bool cli_parse(int argc, char *const *argv, struct cli *out, struct err *err);
void cli_help(struct buf *out);

/* Exit statuses, as documented. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PENDING = 3 };
