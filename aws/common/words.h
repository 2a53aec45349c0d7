/*
 * A command line taken apart as a POSIX shell would do it, so that no shell is needed to run it:
 * quotes and backslashes, nothing else. $, *, ; and | are ordinary letters. (Python's shlex.split,
 * which botocore uses for credential_process.)
 */
#pragma once

#include <stddef.h>

#include "aws/common/err.h"

#define WORDS_MAX 64

struct words {
    char *items[WORDS_MAX + 1]; /* ended by NULL, as exec wants it */
    size_t count;
};

/* ERR_CONFIG, to be read behind the text's name: "has a quote that is not closed", a backslash at
 * the end, no first word, too many. */
PW_CHECK bool words_split(const char *text, struct words *out, struct err *err);
void words_done(struct words *words); /* wipes: an argument may be a secret */
