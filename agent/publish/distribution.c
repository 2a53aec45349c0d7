#include "agent/publish/distribution.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define ROOM_FIRST 4 /* most series are gauges that hardly move within a minute */

/* The first index whose value is not below this one. */
static size_t place_of(const struct distribution *distribution, double value)
{
    size_t low = 0, high = distribution->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (distribution->values[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void insert(struct distribution *distribution, size_t place, double value)
{
    if (distribution->count == distribution->room) {
        size_t room = distribution->room > 0 ? distribution->room * 2 : ROOM_FIRST;

        distribution->values = mem_grow(distribution->values, room, sizeof(double));
        distribution->counts = mem_grow(distribution->counts, room, sizeof(double));
        distribution->room = room;
    }
    double *values = distribution->values + place, *counts = distribution->counts + place;
    size_t behind = (distribution->count - place) * sizeof(double);

    memmove(values + 1, values, behind);
    memmove(counts + 1, counts, behind);
    *values = value;
    *counts = 1;
    distribution->count++;
}

/* The old extreme is counted at its neighbour, and the new one takes its place. */
static void replace_extreme(struct distribution *distribution, size_t extreme, size_t neighbour,
                            double value)
{
    distribution->counts[neighbour] += distribution->counts[extreme];
    distribution->counts[extreme] = 1;
    distribution->values[extreme] = value;
}

static void merge(struct distribution *distribution, size_t place, double value)
{
    const double *values = distribution->values;
    size_t last = distribution->count - 1;

    if (place == 0) {
        replace_extreme(distribution, 0, 1, value);
    } else if (place > last) {
        replace_extreme(distribution, last, last - 1, value);
    } else {
        size_t nearest = value - values[place - 1] < values[place] - value ? place - 1 : place;

        distribution->counts[nearest]++;
    }
}

void distribution_add(struct distribution *distribution, double value)
{
    size_t place = place_of(distribution, value);

    if (place < distribution->count && distribution->values[place] == value) {
        distribution->counts[place]++;
    } else if (distribution->count < DISTRIBUTION_VALUES_MAX) {
        insert(distribution, place, value);
    } else {
        merge(distribution, place, value);
    }
}

void distribution_done(struct distribution *distribution)
{
    free(distribution->values);
    free(distribution->counts);
    *distribution = (struct distribution){0};
}
