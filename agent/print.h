/*
 * --print WHAT: what somebody else has to set up for exactly this configuration, as text to be used
 * as it is: an IAM policy, SQL grants, an ECS task definition. Pure, but for reading the
 * configuration file's variables again.
 *
 * What is not known here (an account, a resource's id) is a wildcard in a policy and a word in
 * capitals elsewhere; notes, one line each, say what to replace and what else to do. No secret is
 * ever printed.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"
#include "aws/common/buf.h"

struct print {
    const struct config *config;
    const char *region;         /* of the environment, for databases without one; NULL: not known */
    const char *const *environ; /* "NAME=value", ended by NULL */
    struct buf *notes;          /* a line each */
};

void print_iam(const struct print *print, struct buf *out);
void print_grants(const struct print *print, struct buf *out);
void print_task_definition(const struct print *print, struct buf *out);

/* Prints what was asked for to stdout and logs the notes. */
int print_run(const struct config *config, enum cli_print what);

/* --- shared by the three ---------------------------------------------------------------------- */

/* NULL: not known. */
const char *print_region_of(const struct print *print, const struct config_database *database);

/* The account that the configured ARNs name, twelve digits; NULL: none does, or they differ. */
const char *print_account(const struct print *print, char out[13]);
void print_note(const struct print *print, const char *format, ...) PW_PRINTF(2, 3);
