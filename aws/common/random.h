/*
 * Randomness for jitter: agents that start or fail together must not come back together.
 */
#pragma once

/* 0 <= x < 1. */
double random_fraction(void);
