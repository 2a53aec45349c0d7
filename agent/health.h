/*
 * How the running agent is: a file in runtime_dir that --health reads, and words for systemd.
 *
 * Healthy is who does its own work: every source was asked in time, and windows reach the queue. A
 * database or a CloudWatch that is down is told in words; to be killed for it would help nobody.
 * Times are of CLOCK_MONOTONIC (uv_hrtime() in ms), which all processes of a host share and nobody
 * sets.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"
#include "aws/common/buf.h"

struct health {
    int64_t told_ms;      /* when this was written */
    int64_t sampled_ms;   /* the last answer of a database; 0: none yet */
    int64_t published_ms; /* the last acknowledged request; 0: none yet */
    size_t databases;     /* configured */
    size_t up;            /* sampled now */
    size_t followed;      /* another agent samples them */
    size_t waiting;       /* datums that CloudWatch does not have */
    int64_t spool_bytes;
    char trouble[256]; /* why CloudWatch takes nothing; "": it does */
    char fault[256];   /* why it is not healthy; "": it is */
};

/* "2 of 3 databases sampled, CloudWatch takes nothing: ...": changes only when something has. */
void health_words(const struct health *health, struct buf *out);
bool health_same_words(const struct health *a, const struct health *b);

/* The whole file anew, as a rename. */
PW_CHECK bool health_write(const struct health *health, const char *path, struct err *err);

/* The mode: one line, or a document; EXIT_DONE when the agent of this runtime_dir is healthy. */
int health_run(const struct config *config, enum cli_format format);

char *health_path(const struct config *config); /* NULL: there is no runtime_dir */

/* --- inside, for tests ------------------------------------------------------------------------ */

#define HEALTH_SILENT_MS 30000 /* an agent that has not written for so long hangs */

/* ERR_PARSE, ERR_ABSENT. */
PW_CHECK bool health_read(const char *path, struct health *out, struct err *err);

/* What --health says of it; true: healthy. */
bool health_judge(const struct health *health, int64_t now_ms, struct buf *out);
