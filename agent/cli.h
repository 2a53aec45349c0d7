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
    MODE_REMOVE_ALARMS,
    MODE_SETUP_DASHBOARD,
    MODE_ONCE,
    MODE_DIAGNOSE,
    MODE_WATCH,
    MODE_CHECK_CONFIG,
    MODE_PRINT,
    MODE_HEALTH,
    MODE_VERSION,
    MODE_HELP
};

enum cli_print { PRINT_IAM, PRINT_GRANTS, PRINT_TASK_DEFINITION };

enum cli_format { FORMAT_TEXT, FORMAT_JSON };

struct cli {
    enum cli_mode mode;
    const char *config_file; /* NULL: the default place; borrowed from argv */
    bool dry_run;
    enum cli_format format;
    enum log_level log_level;
    bool prune;
    enum cli_print print;  /* with MODE_PRINT */
    int terminate_idle_ms; /* 0: not asked for */
    bool yes;
};

/* ERR_CONFIG: one sentence that says which word, why, and what is accepted. */
PW_CHECK bool cli_parse(int argc, char *const *argv, struct cli *out, struct err *err);
void cli_help(struct buf *out);

/* Exit statuses, as documented. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PENDING = 3 };
