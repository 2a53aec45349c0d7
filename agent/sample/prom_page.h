/*
 * A page of metrics as the numbers of one pool. Pure.
 *
 *     prom_page_init(&page, selectors, now_s);
 *     prom_page_read(&page, text, len, now_s, &found);
 *     prom_page_done(&page);
 *
 * What is looked for: the series that the configuration names; when it names none, those of the
 * first known library that is on the page (prom_page.c has the list). One library only:
 * OpenTelemetry may tell the same under its old and its new names. Series with other labels are
 * added up.
 */
#pragma once

#include "agent/sample/pool.h"
#include "agent/sample/prom_counter.h"

enum prom_field {
    PROM_TIMEOUTS,
    PROM_WAITING,
    PROM_MAX_WAIT,
    PROM_BUSY,
    PROM_IDLE,
    PROM_SIZE,
    PROM_FIELD_COUNT
};

struct prom_page {
    const char *const *selectors; /* by field, NULL where none is configured; borrowed */
    bool is_configured;
    const char *library; /* that the last page was read as; NULL: none yet */
    struct prom_counter counter;
};

struct prom_found {
    bool anything;         /* a series that is looked for */
    bool has_counter;      /* this library, or the configuration, has a counter of timeouts */
    bool counter_is_there; /* and a series of it is on the page */
    const char *library;   /* NULL: the configuration */
    double timeouts;       /* since the last page */
    struct pool_gauges gauges;
    size_t bad_lines;
};

void prom_page_init(struct prom_page *page, const char *const *selectors, double now_s);
void prom_page_done(struct prom_page *page);

void prom_page_read(struct prom_page *page, const char *text, size_t len, double now_s,
                    struct prom_found *out);
