#include "agent/sample/prom_counter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define CLOCK_SLACK_S 2 /* start times come in whole seconds, or in the scheduler's ticks */
#define STRIKES_MAX   2
#define CALM_ENOUGH   120 /* pages: then a second process is gone */

void prom_counter_init(struct prom_counter *counter, double now_s)
{
    *counter = (struct prom_counter){.start_s = NAN, .other_s = NAN, .began_s = now_s};
}

void prom_counter_done(struct prom_counter *counter)
{
    free(counter->series);
    counter->series = NULL;
    counter->count = 0;
}

/* --- one page ------------------------------------------------------------------------------- */

void prom_counter_begin(struct prom_counter *counter)
{
    for (size_t i = 0; i < counter->count; i++) {
        counter->series[i].present = false;
        counter->series[i].seen = 0;
    }
}

static uint64_t hash_of(struct prom_text name, struct prom_text labels)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < labels.len; i++) {
        hash = (hash ^ (unsigned char)labels.at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static struct prom_series *find_or_add(struct prom_counter *counter, uint64_t hash)
{
    for (size_t i = 0; i < counter->count; i++) {
        if (counter->series[i].hash == hash) {
            return &counter->series[i];
        }
    }
    if (counter->count == PROM_SERIES_MAX) {
        counter->overflow = true;
        return NULL;
    }
    counter->series = mem_grow(counter->series, counter->count + 1, sizeof(*counter->series));
    struct prom_series *series = &counter->series[counter->count++];

    *series = (struct prom_series){.hash = hash, .before = NAN};
    return series;
}

void prom_counter_add(struct prom_counter *counter, struct prom_text name, struct prom_text labels,
                      double value)
{
    struct prom_series *series =
        isfinite(value) && value >= 0 ? find_or_add(counter, hash_of(name, labels)) : NULL;

    if (series) {
        series->seen += value; /* the same series twice on a page is one more of its kind */
        series->present = true;
    }
}

/* --- who answers ---------------------------------------------------------------------------- */

enum answerer { SAME_PROCESS, NEW_PROCESS, OTHER_PROCESS };

static bool is_time(double a, double b)
{
    return fabs(a - b) < CLOCK_SLACK_S / 2.0;
}

static enum answerer who_answers(const struct prom_counter *counter, double start_s)
{
    if (isnan(start_s) || isnan(counter->start_s) || is_time(start_s, counter->start_s)) {
        return SAME_PROCESS;
    }
    return start_s + CLOCK_SLACK_S >= counter->read_s ? NEW_PROCESS : OTHER_PROCESS;
}

/* Going back to one that was left is proof; a clock that is wrong only looks like it, once. */
static void notice_other(struct prom_counter *counter, double start_s)
{
    counter->several |= is_time(start_s, counter->other_s) || start_s < counter->start_s;
    counter->other_s = counter->start_s;
    counter->calm = 0;
}

static void strike(struct prom_counter *counter)
{
    counter->calm = 0;
    if (++counter->strikes >= STRIKES_MAX) {
        counter->several = true;
    }
}

static void calm_down(struct prom_counter *counter)
{
    if (++counter->calm >= CALM_ENOUGH) {
        counter->strikes = 0;
        counter->several = false;
        counter->other_s = NAN;
    }
}

/* --- how much ------------------------------------------------------------------------------- */

/* Of a series on the page of a process that does not tell when it started, or has told that it is
 * the same. */
static double grow(struct prom_counter *counter, struct prom_series *series, bool certain)
{
    double now = series->seen, last = series->known ? series->value : 0, added = 0;

    if (!isnan(series->before)) {
        if (now >= series->before) {
            strike(counter);
            last = now;
        } else {
            added = series->held;
        }
        series->before = NAN;
        series->held = 0;
    }
    if (now >= last) {
        return added + now - last;
    }
    if (certain) {
        return added + now; /* it alone began anew: a pool that was closed and opened */
    }
    series->before = last;
    series->held = now;
    return added;
}

static double grow_all(struct prom_counter *counter, bool certain)
{
    double added = 0;

    for (size_t i = 0; i < counter->count; i++) {
        struct prom_series *series = &counter->series[i];

        if (series->present) {
            added += grow(counter, series, certain);
        }
    }
    return added;
}

static double sum(const struct prom_counter *counter)
{
    double all = 0;

    for (size_t i = 0; i < counter->count; i++) {
        all += counter->series[i].present ? counter->series[i].seen : 0;
    }
    return all;
}

/* What the next page is compared with; who is not on this one may be born again. */
static void remember(struct prom_counter *counter, bool anew)
{
    size_t kept = 0;

    for (size_t i = 0; i < counter->count; i++) {
        struct prom_series *series = &counter->series[i];

        if (series->present) {
            series->value = series->seen;
            series->known = true;
            series->before = anew ? NAN : series->before;
            series->held = anew ? 0 : series->held;
            counter->series[kept++] = *series;
        }
    }
    counter->count = kept;
}

double prom_counter_end(struct prom_counter *counter, double start_s, double now_s)
{
    enum answerer who = who_answers(counter, start_s);
    double added = 0;

    if (!counter->began) {
        bool younger = !isnan(start_s) && start_s > counter->began_s;

        added = younger ? sum(counter) : 0;
    } else if (who == NEW_PROCESS) {
        added = sum(counter);
    } else if (who == SAME_PROCESS) {
        added = grow_all(counter, !isnan(start_s));
        calm_down(counter);
    } else {
        notice_other(counter, start_s);
    }
    remember(counter, !counter->began || who != SAME_PROCESS);
    counter->began = true;
    counter->start_s = start_s;
    counter->read_s = now_s;
    return counter->several ? 0 : added;
}
