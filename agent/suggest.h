/*
 * "Did you mean ...?": the known name nearest to a mistyped word. Pure.
 */
#pragma once

#include <stddef.h>

/* Editing steps (insert, delete, replace, swap neighbours) from a to b; large for words over 64
 * bytes. */
size_t suggest_distance(const char *a, const char *b);

/*
 * Keeps the best of the names it is shown:
 *
 *     struct suggestion best = {.word = word};
 *     for each name: suggest_consider(&best, name);
 *     if (best.name) ... "did you mean %s?"
 *
 * A name too far off to be meant (more than a third of its letters) is never taken.
 */
struct suggestion {
    const char *word;
    const char *name; /* NULL: nothing is near; borrowed from what was shown */
    size_t distance;
};

void suggest_consider(struct suggestion *best, const char *name);
