/*
 * Where what waits in a directory of state_dir/spool is to go. The directory's name says it to
 * people ("eu-west-1-Application-5b4c1a02"), a file `.destination` in it says it exactly: when the
 * configuration names another region or namespace one day, what still waits is sent where it was
 * sampled for.
 */
#pragma once

#include "aws/common/err.h"

/* To be freed. */
char *destination_dir(const char *state_dir, const char *region, const char *namespace_);

/* In a directory that is there, when it does not say so yet. */
PW_CHECK bool destination_write(const char *dir, const char *region, const char *namespace_,
                                struct err *err);

/* Each directory of state_dir/spool. region, namespace_: NULL when it does not say, or says what
 * its name does not. */
typedef void destination_on_dir(void *arg, const char *dir, const char *region,
                                const char *namespace_);
void destination_each(const char *state_dir, destination_on_dir *on_dir, void *arg);

/* With all that is poolwarden's in it; what is not stays, and the directory with it. */
void destination_remove(const char *dir);
