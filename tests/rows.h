/*
 * Answers of a server as text: "a|b\n1|2\n3|4\n" is two rows of the columns a and b.
 */
#pragma once

#include <libpq-fe.h>
#include <stddef.h>

/* Owned by the caller (PQclear). len bytes of anything are an answer. */
PGresult *rows_of(const char *text, size_t len);
