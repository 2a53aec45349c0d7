/*
 * A command as written in agent.conf, cut into a program and its arguments. Pure; there is no
 * shell.
 *
 * Blanks divide; 'single' and "double" quotes keep blanks together, and in double quotes and
 * outside of quotes a backslash takes the next character as it is. Nothing else has a meaning: no
 * variables, no globs, no pipes.
 */
#pragma once

#include <stddef.h>

#include "aws/common/err.h"

#define COMMAND_ARGS_MAX 64

/* argv: NULL-terminated, in one allocation that free() gives back. ERR_CONFIG reads behind the
 * value. */
PW_CHECK bool command_line_parse(const char *text, char ***argv, struct err *err);
