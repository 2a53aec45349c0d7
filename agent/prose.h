/*
 * Prose for people: ages, counts, SQL names, and foreign text made fit for a terminal. Pure.
 *
 * What comes from a server (names of applications, statements) may hold anything: control
 * characters that a terminal would obey, literals that are secrets. Nothing of it is shown before
 * it went through here.
 */
#pragma once

#include <stddef.h>

#include "aws/common/buf.h"

/* "4 s", "12 min", "3 h", "2 d": rounded down. Below 0: "?". */
void prose_age(double seconds, struct buf *out);

/* "1 session", "2 sessions" */
void prose_count(size_t count, const char *noun, struct buf *out);

/* An SQL identifier, quoted where it must be: app, "my-app". */
void prose_identifier(const char *name, struct buf *out);

/* One line: control characters and bytes that are no UTF-8 become '?', runs of white space one
 * space; more than so many characters are cut with "...". */
void prose_plain(const char *text, size_t characters, struct buf *out);

/* A statement as one line, its literals replaced by ?: they may be secrets. Comments are left out.
 */
void prose_statement(const char *sql, size_t characters, struct buf *out);

/* How many characters a UTF-8 text has. */
size_t prose_length(const char *text);
