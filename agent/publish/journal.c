#include "agent/publish/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/publish/record.h"
#include "agent/publish/series.h"
#include "agent/publish/store.h"
#include "agent/publish/window.h"
#include "aws/common/mem.h"

#define READINGS_BYTES_MAX 65536 /* of one record */
#define READING_BYTES      24
#define BUFFER_MAX         ((size_t)64 << 20)
#define SMALL_BYTES        65536
#define SLOTS_FIRST        64

/* When the last reading of a file is from. */
struct span {
    uint64_t number;
    int64_t last_ms;
};

struct journal {
    struct journal_options options;
    char *dir;
    struct store *store;
    struct span *spans; /* of all files, ascending */
    size_t span_count;

    /* The series that the current file knows by number: keys, and a hash table of their places. */
    struct series *series;
    uint32_t *slots; /* place + 1; 0: free */
    size_t series_count;
    size_t slot_count;

    struct buf readings; /* of the record being filled */
    struct buf out;      /* whole records */
    int64_t last_ms;     /* of what is not written yet */
    bool broken;         /* until the next turn */
    bool told;
};

/* --- Life ------------------------------------------------------------------------------------- */

static void on_sync_failed(void *arg, uint64_t number, int errnum)
{
    (void)arg; /* nothing is synced */
    (void)number;
    (void)errnum;
}

bool journal_open(const struct journal_options *options, struct journal **out, struct err *err)
{
    const struct store_options store = {
        .loop = options->loop, .dir = options->dir, .kind = "journal", .on_failed = on_sync_failed};
    struct journal *journal = mem_alloc(sizeof(*journal));

    if (!store_open(&store, &journal->store, err)) {
        free(journal);
        return false;
    }
    journal->options = *options;
    journal->dir = mem_strdup(options->dir);
    journal->last_ms = INT64_MIN;
    buf_init(&journal->readings, READINGS_BYTES_MAX);
    buf_init(&journal->out, BUFFER_MAX);
    *out = journal;
    return true;
}

static void forget_series(struct journal *journal)
{
    for (size_t i = 0; i < journal->series_count; i++) {
        series_done(&journal->series[i]);
    }
    free(journal->series);
    free(journal->slots);
    journal->series = NULL;
    journal->slots = NULL;
    journal->series_count = 0;
    journal->slot_count = 0;
}

void journal_free(struct journal *journal)
{
    if (!journal) {
        return;
    }
    forget_series(journal);
    store_free(journal->store);
    buf_done(&journal->readings);
    buf_done(&journal->out);
    free(journal->spans);
    free(journal->dir);
    free(journal);
}

/* --- Spans ------------------------------------------------------------------------------------ */

static struct span *span_of(struct journal *journal, uint64_t number)
{
    struct span *last = journal->span_count > 0 ? &journal->spans[journal->span_count - 1] : NULL;

    if (last && last->number == number) {
        return last;
    }
    journal->spans = mem_grow(journal->spans, journal->span_count + 1, sizeof(*journal->spans));
    last = &journal->spans[journal->span_count++];
    *last = (struct span){.number = number, .last_ms = INT64_MIN};
    store_hold(journal->store, number, 1);
    return last;
}

static void extend(struct span *span, int64_t time_ms)
{
    span->last_ms = time_ms > span->last_ms ? time_ms : span->last_ms;
}

/* --- What an earlier run left ----------------------------------------------------------------- */

/* A series of the file being read; texts are the file's. */
struct known {
    bool defined;
    struct reading reading; /* without time and value */
};

struct replay {
    struct journal *journal;
    uint64_t first;
    int64_t until_ms;
    const struct sink *sink;
    struct journal_found *found;
    struct known *known; /* by number */
    size_t known_count;
    uint64_t number; /* of the file */
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* false: a later version's, or an earlier one's. */
static bool metric_named(const char *name, const char *extra_dimension, enum metric_id *out)
{
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *metric = metric_get((enum metric_id)id);

        if (same(metric->name, name) && same(metric->extra_dimension, extra_dimension)) {
            *out = (enum metric_id)id;
            return true;
        }
    }
    return false;
}

static void replay_series(struct replay *replay, const struct record *record)
{
    struct record_cursor cursor = record_cursor(record);
    uint64_t number = record_get_u64(&cursor);
    const char *name = record_get_text(&cursor), *extra_dimension = record_get_text(&cursor);
    struct known known = {.defined = true};

    known.reading.database = record_get_text(&cursor);
    known.reading.pool = record_get_text(&cursor);
    known.reading.extra = record_get_text(&cursor);
    if (!cursor.ok || number >= WINDOW_SERIES_MAX ||
        !metric_named(name, extra_dimension, &known.reading.metric)) {
        replay->found->damaged++;
        return;
    }
    if (number >= replay->known_count) {
        size_t count = number + 1;

        replay->known = mem_grow(replay->known, count, sizeof(*replay->known));
        memset(replay->known + replay->known_count, 0,
               (count - replay->known_count) * sizeof(*replay->known));
        replay->known_count = count;
    }
    replay->known[number] = known;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void replay_readings(struct replay *replay, const struct record *record)
{
    struct record_cursor cursor = record_cursor(record);
    struct span *span = span_of(replay->journal, replay->number);

    while (cursor.left >= READING_BYTES) {
        uint64_t number = record_get_u64(&cursor);
        int64_t time_ms = (int64_t)record_get_u64(&cursor);
        double value = double_of(record_get_u64(&cursor));

        if (number >= replay->known_count || !replay->known[number].defined || !isfinite(value)) {
            replay->found->damaged++;
        } else if (time_ms >= replay->until_ms) {
            struct reading reading = replay->known[number].reading;

            reading.time_ms = time_ms;
            reading.value = value;
            extend(span, time_ms);
            replay->found->readings++;
            replay->sink->put(replay->sink->arg, &reading);
        }
    }
}

static void replay_file(void *arg, uint64_t number, const unsigned char *bytes, size_t len)
{
    struct replay *replay = arg;
    struct record_reader reader = {.data = bytes, .len = len};
    struct record record;

    if (number < replay->first) {
        return; /* it stands in datums; only its deletion was late */
    }
    replay->number = number;
    replay->known_count = 0;
    while (record_next(&reader, &record)) {
        if (record.type == RECORD_SERIES) {
            replay_series(replay, &record);
        } else if (record.type == RECORD_READINGS) {
            replay_readings(replay, &record);
        }
    }
    replay->found->damaged += reader.damaged;
}

void journal_replay(struct journal *journal, uint64_t first, int64_t until_ms,
                    const struct sink *sink, struct journal_found *found)
{
    struct replay replay = {
        .journal = journal, .first = first, .until_ms = until_ms, .sink = sink, .found = found};
    struct store_found files;

    *found = (struct journal_found){.readings = 0};
    store_read(journal->store, replay_file, &replay, &files);
    found->err = files.err;
    free(replay.known);
    store_skip_to(journal->store, first);
}

/* --- Adding ----------------------------------------------------------------------------------- */

static uint32_t *slot_of(const struct journal *journal, const struct series_key *key, uint64_t hash)
{
    size_t mask = journal->slot_count - 1;

    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &journal->slots[i];
        const struct series *series = *slot > 0 ? &journal->series[*slot - 1] : NULL;

        if (!series || (series->hash == hash && series_key_equal(&series->key, key))) {
            return slot;
        }
    }
}

static void grow(struct journal *journal)
{
    journal->slot_count = journal->slot_count > 0 ? journal->slot_count * 2 : SLOTS_FIRST;
    free(journal->slots);
    journal->slots = mem_alloc(journal->slot_count * sizeof(*journal->slots));
    journal->series = mem_grow(journal->series, journal->slot_count / 2, sizeof(*journal->series));
    for (size_t i = 0; i < journal->series_count; i++) {
        *slot_of(journal, &journal->series[i].key, journal->series[i].hash) = (uint32_t)i + 1;
    }
}

static void end_readings(struct journal *journal)
{
    if (journal->readings.len > 0) {
        record_append(&journal->out, RECORD_READINGS, buf_text(&journal->readings),
                      journal->readings.len);
        buf_clear(&journal->readings);
    }
}

/* A file defines its series itself, so that it can be read without the ones before. */
static void define(struct journal *journal, uint64_t number, const struct series_key *key)
{
    const struct metric *metric = metric_get(key->metric);
    struct buf payload;

    buf_init(&payload, RECORD_PAYLOAD_MAX);
    record_put_u64(&payload, number);
    record_put_text(&payload, metric->name);
    record_put_text(&payload, metric->extra_dimension);
    record_put_text(&payload, key->database);
    record_put_text(&payload, key->pool);
    record_put_text(&payload, key->extra);
    end_readings(journal);
    record_append(&journal->out, RECORD_SERIES, buf_text(&payload), payload.len);
    buf_done(&payload);
}

static bool number_of(struct journal *journal, const struct series_key *key, uint64_t *number)
{
    uint64_t hash = series_hash(key);

    if ((journal->series_count + 1) * 2 > journal->slot_count) {
        grow(journal);
    }
    uint32_t *slot = slot_of(journal, key, hash);
    if (*slot == 0) {
        if (journal->series_count == WINDOW_SERIES_MAX) {
            return false;
        }
        series_init(&journal->series[journal->series_count], key, hash);
        define(journal, journal->series_count, key);
        *slot = (uint32_t)++journal->series_count;
    }
    *number = *slot - 1;
    return true;
}

void journal_add(struct journal *journal, const struct reading *reading)
{
    const struct series_key key = {.metric = reading->metric,
                                   .database = reading->database,
                                   .pool = reading->pool,
                                   .extra = reading->extra};
    uint64_t number, bits;

    if (journal->broken || store_written(journal->store) > journal->options.limit_bytes ||
        !number_of(journal, &key, &number)) {
        return;
    }
    if (journal->readings.len + READING_BYTES > READINGS_BYTES_MAX) {
        end_readings(journal);
    }
    memcpy(&bits, &reading->value, sizeof(bits));
    record_put_u64(&journal->readings, number);
    record_put_u64(&journal->readings, (uint64_t)reading->time_ms);
    record_put_u64(&journal->readings, bits);
    journal->last_ms = reading->time_ms > journal->last_ms ? reading->time_ms : journal->last_ms;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void drop_unwritten(struct journal *journal)
{
    buf_clear(&journal->readings);
    if (journal->out.room > SMALL_BYTES) {
        buf_done(&journal->out);
    } else {
        buf_clear(&journal->out);
    }
    journal->last_ms = INT64_MIN;
}

static bool write_out(struct journal *journal, struct err *err)
{
    if (store_number(journal->store) == 0 && !store_begin(journal->store, err)) {
        return false;
    }
    if (!store_append(journal->store, buf_text(&journal->out), journal->out.len, err)) {
        return false;
    }
    extend(span_of(journal, store_number(journal->store)), journal->last_ms);
    return true;
}

size_t journal_unwritten(const struct journal *journal)
{
    return journal->readings.len + journal->out.len;
}

void journal_flush(struct journal *journal)
{
    struct err err;

    end_readings(journal);
    if (journal->out.len == 0) {
        return;
    }
    if (write_out(journal, &err)) {
        journal->told = false;
    } else {
        journal->broken = true;
        store_abandon(journal->store);
        if (!journal->told) {
            log_warn("%s; samples of a window that is still open would be lost by a crash",
                     err.message);
        }
        journal->told = true;
    }
    drop_unwritten(journal);
}

uint64_t journal_turn(struct journal *journal, int64_t oldest_open_ms)
{
    journal_flush(journal);
    store_abandon(journal->store); /* the next flush begins another */
    forget_series(journal);
    journal->broken = false;
    for (size_t i = 0; i < journal->span_count; i++) {
        if (journal->spans[i].last_ms >= oldest_open_ms) {
            return journal->spans[i].number;
        }
    }
    return store_next(journal->store);
}

void journal_forget(struct journal *journal, uint64_t first)
{
    size_t gone = 0;

    while (gone < journal->span_count && journal->spans[gone].number < first) {
        store_hold(journal->store, journal->spans[gone].number, -1);
        gone++;
    }
    if (gone > 0) {
        journal->span_count -= gone;
        memmove(journal->spans, journal->spans + gone,
                journal->span_count * sizeof(*journal->spans));
    }
    store_trim(journal->store);
}
