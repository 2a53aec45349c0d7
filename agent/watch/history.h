/*
 * The last minutes of a number, one value a second, for a sparkline. Pure.
 *
 * Columns are aligned to the clock, so that they move on as a whole instead of flickering: each
 * shows the largest value of its seconds.
 */
#pragma once

#include <stdint.h>

#define HISTORY_SECONDS 900

struct history {
    double values[HISTORY_SECONDS]; /* by second modulo the number; NAN: not known */
    int64_t newest_s;               /* 0: nothing yet */
};

void history_init(struct history *history);

/* NAN: nobody answered. One older than what is kept is forgotten. */
void history_add(struct history *history, int64_t second, double value);

/* The column that ends `back` columns before the one that holds now_s; NAN: nothing is known. */
double history_column(const struct history *history, int64_t now_s, int seconds_a_column, int back);

double history_max(const struct history *history, int64_t now_s, int seconds);
