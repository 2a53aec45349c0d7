/*
 * How much counters on a page of metrics have grown, by whatever process answers. Pure.
 *
 *     prom_counter_begin(&counter);
 *     prom_counter_add(&counter, labels, value);       each series of the page
 *     added = prom_counter_end(&counter, start_s, now_s);
 *
 * A series that is less than before began anew, and counts from 0; one that is new on a page of the
 * same process was born since, and counts from 0 too. The first page is only where counting begins,
 * unless its process started after the agent did.
 *
 * Several processes behind one port answer in turn, and each change looks like a restart. They are
 * told apart by process_start_time_seconds: who started before the last page was read is no
 * restarted process. Without that, a series that falls waits for the next page: when it is back
 * where it was, nobody restarted. Then nothing is counted: see `several`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/sample/prom_text.h"

#define PROM_SERIES_MAX 2000

struct prom_series {
    uint64_t hash;
    double value, seen; /* of the last page; of this one */
    double before;      /* where it fell from; NAN: it did not fall on the last page */
    double held;        /* what it had when it had fallen: counts when it does not go back */
    bool known, present;
};

struct prom_counter {
    struct prom_series *series;
    size_t count;
    bool overflow;  /* there were more series than PROM_SERIES_MAX */
    bool began;     /* a page was read */
    double began_s; /* wall clock: when the agent began to count */
    double start_s; /* of the process; NAN: not told */
    double read_s;  /* wall clock of the last page */
    double other_s; /* another process' start that was seen; NAN: none */
    int strikes;    /* series that fell and came back */
    int calm;       /* pages without a sign of a second process */
    bool several;   /* there are several processes: nothing is counted */
};

void prom_counter_init(struct prom_counter *counter, double now_s);
void prom_counter_done(struct prom_counter *counter);

void prom_counter_begin(struct prom_counter *counter);
void prom_counter_add(struct prom_counter *counter, struct prom_text name, struct prom_text labels,
                      double value);

/* start_s: process_start_time_seconds, NAN when the page does not tell. now_s: wall clock. */
double prom_counter_end(struct prom_counter *counter, double start_s, double now_s);
