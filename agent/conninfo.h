/*
 * A DATABASE_URL as it stands in an application, made usable for libpq. Pure, but for libpq's own parser.
 *
 * Accepted: postgres:// and postgresql://, one host. libpq's parameters go to libpq; Prisma's are understood or
 * dropped by name (sslcert and sslpassword among them, which mean something else there); anything else is an error that names
 * the parameter and what is accepted. No message ever shows a password.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/common/err.h"

#define CONNINFO_PARAMS_MAX 64

struct conninfo {
    char *host; /* name, address or directory of a socket; NULL: libpq's default */
    char *port; /* "5432" */
    char *user; /* NULL: libpq's default */
    char *dbname;
    char *password;  /* NULL when the URL has none; secret */
    char *hostaddr;  /* given in the URL; NULL: to be resolved */
    /* Further parameters for libpq (sslmode, sslrootcert, ...), up to the first NULL keyword. */
    char *keywords[CONNINFO_PARAMS_MAX];
    char *values[CONNINFO_PARAMS_MAX];
    int connect_timeout_ms;   /* the agent's own deadline for connecting; 5,000 by default */
    int connection_limit;     /* Prisma's; 0 when absent */
    double pool_timeout_s;    /* Prisma's; -1 when absent */
    char *ignored;            /* names of dropped parameters, ", " between; NULL when there are none */
    bool pgbouncer;           /* Prisma's pgbouncer=true: the URL is a pooler's */
};

/* ERR_CONFIG with a sentence that starts with what is wrong. */
PW_CHECK bool conninfo_parse(const char *url, struct conninfo *out, struct err *err);
void conninfo_done(struct conninfo *info); /* wipes the password */

/* "user@host:port/dbname", without the password: for messages. Owned by the caller. */
char *conninfo_describe(const struct conninfo *info);

/* Is the host a directory (unix socket) or a numeric address, so that no look-up is needed? */
bool conninfo_needs_no_lookup(const struct conninfo *info);
