/*
 * A child process whose output is read line by line, for as long as the agent runs.
 *
 * No shell; standard input is empty, standard error is the agent's own. It leads a process group,
 * which ends as a whole: when it exits, when it closes its output, when the agent leaves (SIGTERM,
 * half a second later SIGKILL). When it ends it is started again after 1 s, 2 s, 4 s ... 60 s; a
 * run of a minute begins at 1 s anew. child.h says what of the agent's environment it sees.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "agent/config.h"
#include "agent/sample/log_lines.h"

struct log_command;
typedef void log_command_stopped(void *arg);

/* Everything but loop and arg is copied. */
struct log_command_options {
    uv_loop_t *loop;
    const char *line;                   /* accepted by words_split() */
    const char *name;                   /* for the log */
    const struct config_list *withheld; /* variables that it must not see */
    log_on_line *on_line;
    void *arg;
};

/* Starts at once. */
struct log_command *log_command_new(const struct log_command_options *options);

bool log_command_is_running(const struct log_command *command);

/* Ends and frees it; no more lines; one `stopped`, later, when the process is gone. */
void log_command_stop(struct log_command *command, log_command_stopped *stopped, void *arg);
