/*
 * A DATABASE_URL as it stands in an application, made usable for libpq. Pure, but for libpq's own
 * parser.
 *
 * Accepted: postgres:// and postgresql://, one host. libpq's parameters go to libpq; Prisma's are
 * understood or dropped by name; anything else is an error that names the parameter. sslcert and
 * sslpassword mean the server's CA and a PKCS#12 password to Prisma and a client's certificate and
 * key to libpq: they go to libpq only together with sslkey, which Prisma does not have. What the
 * agent decides itself (application_name, gssencmode) is dropped by name too. No message ever shows
 * a password, nor any part of a URL that could not be taken apart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

#define CONNINFO_PARAMS_MAX 64
#define CONNINFO_URL_MAX    8192

struct conninfo {
    char *host;     /* name, address or directory of a socket; NULL: libpq's default */
    char *port;     /* "5432" */
    char *user;     /* NULL: libpq's default */
    char *dbname;   /* NULL: libpq's default, the user's name */
    char *password; /* NULL when the URL has none; secret */
    char *hostaddr; /* given in the URL; NULL: to be resolved */
    /* Further parameters for libpq (sslmode, sslrootcert, ...), up to the first NULL keyword. */
    char *keywords[CONNINFO_PARAMS_MAX];
    char *values[CONNINFO_PARAMS_MAX];
    int connect_timeout_ms; /* the agent's own deadline: 5 s by default, 10 s for "0: none" */
    int connection_limit;   /* Prisma's; 0 when absent */
    double pool_timeout_s;  /* Prisma's; -1 when absent */
    char *ignored;          /* names of dropped parameters, ", " between; NULL: there are none */
    bool pgbouncer;         /* Prisma's pgbouncer=true: the URL is a pooler's */
};

/* ERR_CONFIG with a sentence that starts with what is wrong; *out is empty then. */
PW_CHECK bool conninfo_parse(const char *url, struct conninfo *out, struct err *err);
void conninfo_done(struct conninfo *info); /* wipes the password; an all-zero one is fine */

/* "user@host:port/dbname", without the password: for messages. Owned by the caller. */
char *conninfo_describe(const struct conninfo *info);

/*
 * The URL again, with what is in force only; the password as it is when reveal, as *** else. Valid
 * for conninfo_parse() when revealed. Nothing for an all-zero one.
 */
void conninfo_print(const struct conninfo *info, bool reveal, struct buf *out);

/* Is the host a directory (unix socket) or a numeric address, so that no look-up is needed? */
bool conninfo_needs_no_lookup(const struct conninfo *info);
