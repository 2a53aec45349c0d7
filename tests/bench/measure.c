#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double measure_cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

double measure_wall_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_size);
    return values[count / 2];
}

void measure_print(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}

size_t measure_rounds(int argc, char **argv, size_t rounds)
{
    size_t asked = argc > 1 ? strtoul(argv[1], NULL, 10) : rounds;

    return asked < 1 ? 1 : asked > MEASURE_ROUNDS_MAX ? MEASURE_ROUNDS_MAX : asked;
}
