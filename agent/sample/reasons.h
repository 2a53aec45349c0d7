/*
 * Which reasons have been told already: the same from another address, or two that take turns, are
 * no news.
 */
#pragma once

#include <stdbool.h>

#define REASONS_REMEMBERED 4

struct reasons {
    char *texts[REASONS_REMEMBERED];
    int count; /* ever */
};

/* Remembers it. */
bool reasons_are_new(struct reasons *reasons, const char *reason);
void reasons_forget(struct reasons *reasons);
