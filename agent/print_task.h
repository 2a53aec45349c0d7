/*
 * A task definition while it is made: print_task.c makes the document, print_variables.c what the
 * container's environment holds.
 */
#pragma once

#include <jansson.h>

#include "agent/print.h"

struct task {
    const struct print *print;
    const char *region; /* "REGION" when not known */
    const char *partition;
    json_t *environment, *secrets, *mounts, *volumes;
};

void task_add_variable(const struct task *task, const char *name, const char *value);

/* One database without [pool NAME] sections: every key that is not as by default. */
void task_add_configuration(const struct task *task);

/* The file's own ${NAME}, as secrets, and the variables that win over it. */
void task_add_variables_of_file(const struct task *task);
