#include "agent/publish/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/publish/series.h"
#include "aws/common/mem.h"

#define HIGH_RESOLUTION_MS 1000
#define SLOTS_FIRST        16

/* Five minutes of windows of a second, and some that wait for late answers. */
#define WINDOWS_MAX 400

/* One window: series in the order of their first reading, and a hash table of their indices. */
struct window {
    int64_t start_ms;
    int64_t end_ms;
    struct series *series;
    size_t count;
    size_t room;
    uint32_t *slots;   /* index + 1; 0: free */
    size_t slot_count; /* a power of two, at least twice as many as series */
};

struct windows {
    struct windows_options options;
    struct window *open; /* by start */
    size_t count;
    size_t room;
    int64_t closed_until_ms;
    uint64_t dropped;
};

/* --- One window ------------------------------------------------------------------------------- */

static void window_done(struct window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        series_done(&window->series[i]);
    }
    free(window->series);
    free(window->slots);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct window *window, const struct series_key *key, uint64_t hash)
{
    size_t mask = window->slot_count - 1;

    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &window->slots[i];
        const struct series *series = *slot > 0 ? &window->series[*slot - 1] : NULL;

        if (!series || (series->hash == hash && series_key_equal(&series->key, key))) {
            return slot;
        }
    }
}

static void grow_slots(struct window *window)
{
    size_t slot_count = window->slot_count > 0 ? window->slot_count * 2 : SLOTS_FIRST;

    free(window->slots);
    window->slots = mem_alloc(slot_count * sizeof(*window->slots));
    window->slot_count = slot_count;
    for (size_t i = 0; i < window->count; i++) {
        *slot_of(window, &window->series[i].key, window->series[i].hash) = (uint32_t)i + 1;
    }
}

static void grow_series(struct window *window)
{
    if (window->count == window->room) {
        window->room = window->room > 0 ? window->room * 2 : SLOTS_FIRST / 2;
        window->series = mem_grow(window->series, window->room, sizeof(*window->series));
    }
}

/* NULL: there are too many. */
static struct series *find_or_add(struct window *window, const struct series_key *key)
{
    uint64_t hash = series_hash(key);

    if ((window->count + 1) * 2 > window->slot_count) {
        grow_slots(window);
    }
    uint32_t *slot = slot_of(window, key, hash);
    if (*slot == 0) {
        if (window->count == WINDOW_SERIES_MAX) {
            return NULL;
        }
        grow_series(window);
        series_init(&window->series[window->count], key, hash);
        *slot = (uint32_t)++window->count;
    }
    return &window->series[*slot - 1];
}

/* --- Life ------------------------------------------------------------------------------------- */

struct windows *windows_new(const struct windows_options *options)
{
    struct windows *windows = mem_alloc(sizeof(*windows));

    windows->options = *options;
    windows->closed_until_ms = INT64_MIN;
    return windows;
}

void windows_free(struct windows *windows)
{
    if (!windows) {
        return;
    }
    for (size_t i = 0; i < windows->count; i++) {
        window_done(&windows->open[i]);
    }
    free(windows->open);
    free(windows);
}

void windows_configure(struct windows *windows, const struct windows_options *options)
{
    windows->options = *options;
}

/* --- Readings --------------------------------------------------------------------------------- */

static int64_t floor_to(int64_t time_ms, int64_t length_ms)
{
    int64_t rest = time_ms % length_ms;

    return time_ms - (rest < 0 ? rest + length_ms : rest);
}

static struct window *add_window(struct windows *windows, size_t place, int64_t start_ms,
                                 int64_t length_ms)
{
    if (windows->count == windows->room) {
        windows->room += 4;
        windows->open = mem_grow(windows->open, windows->room, sizeof(*windows->open));
    }
    struct window *window = &windows->open[place];
    memmove(window + 1, window, (windows->count - place) * sizeof(*window));
    windows->count++;
    *window = (struct window){.start_ms = start_ms, .end_ms = start_ms + length_ms};
    return window;
}

static int64_t length_of(const struct windows_options *options)
{
    return options->resolution_s == 1 ? HIGH_RESOLUTION_MS : options->length_ms;
}

/* The window of that time; NULL: it is closed, or too many are open. Almost always the newest. */
static struct window *window_at(struct windows *windows, int64_t time_ms)
{
    int64_t length_ms = length_of(&windows->options);
    int64_t start_ms = floor_to(time_ms, length_ms);
    size_t place = windows->count;

    while (place > 0 && windows->open[place - 1].start_ms > time_ms) {
        place--;
    }
    /* After a reload the one before may still have its old, larger length. */
    if (place > 0 && windows->open[place - 1].end_ms > time_ms) {
        return &windows->open[place - 1];
    }
    if (start_ms + length_ms <= windows->closed_until_ms || windows->count == WINDOWS_MAX) {
        return NULL;
    }
    return add_window(windows, place, start_ms, length_ms);
}

static bool put(struct windows *windows, const struct series_key *key,
                const struct reading *reading)
{
    struct window *window = window_at(windows, reading->time_ms);
    struct series *series = window ? find_or_add(window, key) : NULL;

    return series && series_add(series, reading->value);
}

static const char *text_or_blank(const char *text)
{
    return text ? text : "";
}

/* Beside the pool's own series. */
static bool put_sums(struct windows *windows, const struct reading *reading)
{
    const struct series_key of_database = {.metric = reading->metric,
                                           .database = text_or_blank(reading->database)};
    const struct series_key rollup = {.metric = reading->metric};
    bool kept = put(windows, &of_database, reading);

    return (!windows->options.rollup || put(windows, &rollup, reading)) && kept;
}

static struct series_key key_of(const struct reading *reading)
{
    const struct metric *metric = metric_get(reading->metric);
    struct series_key key = {.metric = reading->metric};

    if (metric->of != METRIC_OF_AGENT) {
        key.database = text_or_blank(reading->database);
    }
    if (metric->of == METRIC_OF_POOL) {
        key.pool = text_or_blank(reading->pool);
    }
    if (metric->of == METRIC_OF_AGENT || metric->extra_dimension) {
        key.extra = text_or_blank(reading->extra);
    }
    return key;
}

bool windows_want(const struct windows *windows, const struct reading *reading)
{
    return metric_get(reading->metric)->set <= windows->options.metrics;
}

void windows_put(struct windows *windows, const struct reading *reading)
{
    const struct series_key key = key_of(reading);
    bool kept = isfinite(reading->value) && fabs(reading->value) <= SERIES_NUMBER_MAX;

    if (!windows_want(windows, reading)) {
        return;
    }
    if (kept) {
        kept = put(windows, &key, reading);
    }
    if (kept && reading->metric == METRIC_POOL_TIMEOUT) {
        kept = put_sums(windows, reading);
    }
    windows->dropped += kept ? 0 : 1;
}

static int by_start(const void *a, const void *b)
{
    const struct window *left = a, *right = b;

    return left->start_ms < right->start_ms ? -1 : left->start_ms > right->start_ms;
}

/* Starts of windows stay aligned to the minute. */
static int64_t whole_windows(int64_t offset_ms, int64_t length_ms)
{
    int64_t half_ms = offset_ms < 0 ? -length_ms / 2 : length_ms / 2;

    return (offset_ms + half_ms) / length_ms * length_ms;
}

int64_t windows_correct(struct windows *windows, int64_t from_ms, int64_t to_ms, int64_t offset_ms)
{
    int64_t by_ms = whole_windows(offset_ms, length_of(&windows->options));

    for (size_t i = 0; i < windows->count; i++) {
        struct window *window = &windows->open[i];

        if (window->end_ms > from_ms && window->start_ms <= to_ms) {
            window->start_ms += by_ms;
            window->end_ms += by_ms;
        }
    }
    if (windows->count > 0) {
        qsort(windows->open, windows->count, sizeof(*windows->open), by_start);
    }
    windows->closed_until_ms = INT64_MIN;
    return by_ms;
}

int64_t windows_closed_ms(const struct windows *windows)
{
    return windows->closed_until_ms;
}

int64_t windows_oldest_ms(const struct windows *windows)
{
    return windows->count > 0 ? windows->open[0].start_ms : INT64_MAX;
}

uint64_t windows_dropped(struct windows *windows)
{
    uint64_t dropped = windows->dropped;

    windows->dropped = 0;
    return dropped;
}

/* --- Closing ---------------------------------------------------------------------------------- */

struct closing {
    int64_t start_ms;
    window_on_datum *on_datum;
    void *arg;
};

static void on_members(void *arg, const char *members)
{
    const struct closing *closing = arg;

    closing->on_datum(closing->arg, closing->start_ms, members);
}

static void close_window(const struct windows *windows, struct window *window,
                         window_on_datum *on_datum, void *arg)
{
    struct closing closing = {.start_ms = window->start_ms, .on_datum = on_datum, .arg = arg};

    for (size_t i = 0; i < window->count; i++) {
        series_encode(&window->series[i], windows->options.dimensions,
                      windows->options.resolution_s, on_members, &closing);
    }
    window_done(window);
}

void windows_close(struct windows *windows, int64_t until_ms, window_on_datum *on_datum, void *arg)
{
    int64_t end_ms = until_ms < windows->closed_until_ms ? INT64_MAX : until_ms;
    size_t kept = 0;

    for (size_t i = 0; i < windows->count; i++) {
        if (windows->open[i].end_ms <= end_ms) {
            close_window(windows, &windows->open[i], on_datum, arg);
        } else {
            windows->open[kept++] = windows->open[i];
        }
    }
    windows->count = kept;
    if (until_ms != INT64_MAX) {
        windows->closed_until_ms = until_ms;
    }
}
