/* What the small benchmarks share: CPU time by the kernel's account, medians, one line a result. */
#pragma once

#include <stddef.h>

#define MEASURE_ROUNDS_MAX 201

/* Of this process, user and system, in microseconds. */
double measure_cpu_us(void);

/* By the clock on the wall: only for what waits for a disk. */
double measure_wall_us(void);

/* Sorts them. */
double measure_median(double *values, size_t count);

/* "name value", for tests/bench/kernel.py. */
void measure_print(const char *name, double value);

/* Rounds to run, from the command line: the default, or fewer for a look. */
size_t measure_rounds(int argc, char **argv, size_t rounds);
