/*
 * All mistakes of a configuration, collected and told in the order of the file, each once.
 */
#pragma once

#include <stddef.h>

#include "aws/common/buf.h"

#define COMPLAINTS_MAX 200

struct complaint {
    long line; /* of the file; 0: of the environment or the whole */
    char *text;
};

struct complaints {
    struct complaint items[COMPLAINTS_MAX];
    size_t count; /* also of those that there was no room for */
};

/* place: "agent.conf:12", or an environment variable's name. */
void complain(struct complaints *complaints, const char *place, const char *format, ...)
    PW_PRINTF(3, 4);

/* Appends "PLACE: MESSAGE\n" of each, the file's in the order of its lines, then the others; frees
 * them. */
void complaints_tell(struct complaints *complaints, struct buf *out);
