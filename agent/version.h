/* Which build this is, and which libraries it runs with: the running ones, which may be newer than
 * those it was built with. */
#pragma once

#include "aws/common/buf.h"

/* Two lines for people: the program and its commit, the libraries. */
void version_text(struct buf *out);

/* {"version", "commit", "libraries": {NAME: VERSION}} */
void version_json(struct buf *out);
