/*
 * INI files, read so that one can answer for a mistake: the line of each entry.
 *
 * One reader serves agent.conf and AWS's shared files. Entries are handed on one by one, in order.
 * Lines are
 *
 *     [section]            blanks inside are kept: [database orders]
 *     key = value          the first '=' divides; the value may be empty, and hold '=' and quotes
 *     ; comment            or '#'; behind blanks and behind a section's ']' too
 *
 * Sections, keys and values are trimmed. Where the dialect has inline comments, ';' and '#' behind
 * a blank begin one in any line; without a blank before it either is part of the value, because
 * passwords and URLs hold them. A line never goes on in the next; whoever nests by indenting, as
 * AWS's files do, is told of it. CRLF and a UTF-8 byte order mark
 * are accepted.
 *
 * There is no library behind it: libinih as distributions build it cuts lines at 200 bytes and
 * section names at 50 without a word, joins indented lines and does not tell line numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/common/err.h"

#define INI_LINE_MAX 8192              /* bytes, without its end */
#define INI_FILE_MAX ((size_t)1 << 20) /* bytes */

struct ini_entry {
    const char *section; /* "" before the first section */
    const char *key;     /* NULL for the section's own line */
    const char *value;   /* "" when nothing is given; NULL for the section's own line */
    int line;            /* from 1 */
    bool is_indented;    /* more blanks stand before it than before the entry above */
};

/* Called for each section line and each entry; what it does with a mistake is its own business. */
typedef void ini_on_entry(void *arg, const struct ini_entry *entry);

struct ini_dialect {
    bool inline_comments;
    bool python; /* as Python's RawConfigParser: ':' divides like '=', and an indented line with
                  * neither, which goes on with the value above it, is left out */
};

/*
 * Reads the file. ERR_ABSENT: no such file; ERR_SYSTEM: unreadable (the message says why);
 * ERR_PARSE: too large, or lines that are none of the above ("FILE:LINE: ...", several divided by
 * "; "). Reading goes on behind such a line, so that all mistakes can be told at once; behind a bad
 * section line it goes on at the next section. Messages hold nothing of the content, which may be
 * secret.
 */
PW_CHECK bool ini_read_file(const char *path, const struct ini_dialect *dialect,
                            ini_on_entry *on_entry, void *arg, struct err *err);

/* The same for text in memory; name stands for the file in messages. */
PW_CHECK bool ini_read_text(const char *name, const char *text, const struct ini_dialect *dialect,
                            ini_on_entry *on_entry, void *arg, struct err *err);

/* The same for len bytes, which may hold anything. */
PW_CHECK bool ini_read_bytes(const char *name, const char *bytes, size_t len,
                             const struct ini_dialect *dialect, ini_on_entry *on_entry, void *arg,
                             struct err *err);
