/*
 * What the log says while publishing fails: when it begins, when its reason becomes another, when
 * it ends, and what was lost. Not each repetition.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "aws/common/err.h"

struct trouble {
    char where[320]; /* "": where this agent publishes to; else as in " (Application in eu-west-1)"
                      */
    enum err_code code; /* ERR_NONE: there is none */
    char service_code[64];
    char reason[256]; /* as it was logged */
    uint64_t since_ms;

    uint64_t refused;         /* datums, not told of yet */
    uint64_t refused_told_ms; /* 0: never */
    uint64_t lost_told;       /* datums for which there was no room */
    uint64_t lost_told_ms;
};

/* A request failed. now_ms: of the loop, here and below; kept: datums that wait now. */
void trouble_failed(struct trouble *trouble, uint64_t now_ms, const struct err *err,
                    const char *service_code, size_t kept);

/* A request was taken: sent datums, and so many more wait. */
void trouble_over(struct trouble *trouble, uint64_t now_ms, size_t sent, size_t left);

/* The service refused this very datum, which is given up. */
void trouble_refused(struct trouble *trouble, uint64_t now_ms, const char *members,
                     const struct err *err);

/* Datums that the queue had to drop, since the start. */
void trouble_lost(struct trouble *trouble, uint64_t now_ms, uint64_t lost);
