/*
 * Why a session could not be had, or was lost: libpq's many-lined message as one line, the server's
 * SQLSTATE in it, what to do about it and how soon to try again. Pure.
 *
 * A failed connect has no PGresult: its SQLSTATE stands only in the message, and only when
 * PQsetErrorVerbosity(conn, PQERRORS_VERBOSE) was called before the first PQconnectPoll:
 *
 *     connection to server at "db" (10.0.1.7), port 5432 failed: FATAL:  53300: sorry, too many ...
 *     LOCATION:  ProcArrayAdd, procarray.c:462
 *
 * One line for each address tried, and for each of TLS and plain text with sslmode=prefer. The word
 * FATAL and the sentence may be translated; the code and LOCATION are not.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "aws/common/err.h"

/* How soon the next attempt makes sense. */
enum refusal_pace {
    REFUSAL_SOON,  /* it may be over any moment: restart, failover, network */
    REFUSAL_SLOTS, /* about 2 s: each attempt costs a full server a process */
    REFUSAL_SLOW,  /* a person must change something, on the server or in its password */
    REFUSAL_RARE   /* a person must change the configuration */
};

struct refusal {
    char sqlstate[6]; /* "" when none was told */
    bool out_of_slots;
    bool we_were_away; /* it ended a session that asked nothing for long: itself it is well */
    enum refusal_pace pace;
    enum err_code code;
    const char *advice; /* NULL: none */
    char text[512];     /* one line */
};

/* From PQerrorMessage() of a connection that failed. */
void refusal_read(const char *message, struct refusal *out);

/* From the result of a statement that failed. */
void refusal_read_result(const PGresult *result, struct refusal *out);

/* From ourselves. */
void refusal_set(struct refusal *out, enum err_code code, enum refusal_pace pace,
                 const char *format, ...) PW_PRINTF(4, 5);

/* Before the next attempt, after so many that failed before this one: between half of what the pace
 * allows and all of it, so that agents do not come in step. random: 0 <= random < 1. */
uint64_t refusal_delay_ms(enum refusal_pace pace, int failures, double random);

/*
 * Does the server want for slots: SQLSTATE 53300 and not "too many connections for role/database",
 * nor for replication? message: libpq's with verbosity VERBOSE; the English texts serve where no
 * SQLSTATE was told.
 */
bool refusal_is_out_of_slots(const char *sqlstate, const char *message);
