/*
 * INI files through libinih, with what one needs to answer for a mistake: the line of each entry.
 *
 * One reader serves agent.conf and AWS's shared files. A file is read whole (a limit of 1 MB) and handed on entry by
 * entry, in order. Sections, keys and values are trimmed; ';' and '#' begin a comment at a line's start; ' ;' and
 * ' #' do so behind a value where the dialect says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/common/err.h"

struct ini_entry {
    const char *section; /* "" before the first section */
    const char *key;     /* NULL for the section's own line */
    const char *value;
    int line; /* from 1 */
};

/* Called for each section line and each entry; what it does with a mistake is its own business. */
typedef void ini_on_entry(void *arg, const struct ini_entry *entry);

struct ini_dialect {
    bool inline_comments;
};

/*
 * Reads the file. ERR_ABSENT: no such file; ERR_SYSTEM: unreadable (the message says why); ERR_PARSE: a line that is neither
 * section, entry, comment nor blank ("FILE:LINE: ..."). Entries before that line have been handed on.
 */
PW_CHECK bool ini_read_file(const char *path, const struct ini_dialect *dialect,
                            ini_on_entry *on_entry, void *arg, struct err *err);

/* The same for text in memory; name stands for the file in messages. */
PW_CHECK bool ini_read_text(const char *name, const char *text, const struct ini_dialect *dialect,
                            ini_on_entry *on_entry, void *arg, struct err *err);
