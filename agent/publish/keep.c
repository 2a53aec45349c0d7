#include "agent/publish/keep.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/publish/record.h"
#include "agent/publish/store.h"
#include "aws/common/mem.h"

#define SEGMENT_MIN   ((int64_t)256 << 10)
#define SEGMENT_MAX   ((int64_t)4 << 20)
#define SEGMENTS      16 /* that the limit is divided into */
#define BUFFER_MAX    ((size_t)1 << 30)
#define SMALL_BYTES   65536 /* a buffer that keeps its memory */
#define RANGE_BYTES   ((size_t)16)
#define RANGES_AT_END 4096 /* in one record */
#define CLOSINGS      8    /* a third of a file's bytes may be bad: one of so many is still good */

struct keep {
    struct keep_options options;
    char *dir;
    struct store *store;
    struct buf out;     /* records that are not written yet */
    struct buf payload; /* of the record being made */
    struct buf done;    /* ranges */
    struct buf marked;  /* ranges in flight */
    struct keep_closed closed;
    uint64_t next_id; /* at that closing */
    bool broken;      /* nothing can be written now */
    bool told;        /* that it is */
};

/* --- Ranges of ids ---------------------------------------------------------------------------- */

/* Ids that follow one another, as most do, are one range. */
static void add_ranges(struct buf *out, const uint64_t *ids, size_t count)
{
    size_t from = 0;

    for (size_t i = 1; i <= count; i++) {
        if (i == count || ids[i] != ids[i - 1] + 1) {
            record_put_u64(out, ids[from]);
            record_put_u64(out, i - from);
            from = i;
        }
    }
}

/* Extends the last range where it can. */
static void add_done(struct buf *done, uint64_t id)
{
    if (done->len >= RANGE_BYTES) {
        const struct record last = {.payload = (const unsigned char *)buf_text(done) + done->len -
                                               RANGE_BYTES,
                                    .len = RANGE_BYTES};
        struct record_cursor cursor = record_cursor(&last);
        uint64_t first = record_get_u64(&cursor), count = record_get_u64(&cursor);

        if (first + count == id) {
            buf_truncate(done, done->len - RANGE_BYTES);
            record_put_u64(done, first);
            record_put_u64(done, count + 1);
            return;
        }
    }
    add_ranges(done, &id, 1);
}

static void put_record(struct keep *keep, enum record_type type, const struct buf *payload)
{
    record_append(&keep->out, type, buf_text(payload), payload->len);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void on_sync_failed(void *arg, uint64_t number, int errnum);

bool keep_open(const struct keep_options *options, struct keep **out, struct err *err)
{
    struct keep *keep = mem_alloc(sizeof(*keep));
    const struct store_options store = {.loop = options->loop,
                                        .dir = options->dir,
                                        .kind = "segment",
                                        .on_failed = on_sync_failed,
                                        .arg = keep};

    if (!store_open(&store, &keep->store, err)) {
        free(keep);
        return false;
    }
    keep->options = *options;
    keep->dir = mem_strdup(options->dir);
    buf_init(&keep->out, BUFFER_MAX);
    buf_init(&keep->payload, RECORD_PAYLOAD_MAX);
    buf_init(&keep->done, BUFFER_MAX);
    buf_init(&keep->marked, BUFFER_MAX);
    *out = keep;
    return true;
}

void keep_free(struct keep *keep)
{
    if (!keep) {
        return;
    }
    store_free(keep->store);
    buf_done(&keep->out);
    buf_done(&keep->payload);
    buf_done(&keep->done);
    buf_done(&keep->marked);
    free(keep->dir);
    free(keep);
}

/* --- Loading ---------------------------------------------------------------------------------- */

struct loading {
    struct keep *keep;
    struct keep_found *found;
    size_t room;
    struct buf done; /* ranges of all segments */
};

static void load_datum(struct loading *loading, const struct record *record, uint64_t segment)
{
    struct keep_found *found = loading->found;
    struct record_cursor cursor = record_cursor(record);
    uint64_t id = record_get_u64(&cursor);
    int64_t start_ms = (int64_t)record_get_u64(&cursor);
    const char *members = record_get_text(&cursor);

    if (!cursor.ok || !members) {
        found->damaged++;
        return;
    }
    if (found->count == loading->room) {
        loading->room = loading->room > 0 ? loading->room * 2 : 64;
        found->items = mem_grow(found->items, loading->room, sizeof(*found->items));
    }
    found->items[found->count++] = (struct keep_item){
        .id = id, .start_ms = start_ms, .members = mem_strdup(members), .segment = segment};
}

static void load_closed(struct loading *loading, const struct record *record)
{
    struct keep *keep = loading->keep;
    struct record_cursor cursor = record_cursor(record);
    uint64_t first_journal = record_get_u64(&cursor);
    int64_t until_ms = (int64_t)record_get_u64(&cursor);
    uint64_t next_id = record_get_u64(&cursor);

    if (cursor.ok) {
        keep->closed = (struct keep_closed){first_journal, until_ms};
        keep->next_id = next_id;
    }
}

static void load_record(struct loading *loading, const struct record *record, uint64_t segment)
{
    switch (record->type) {
    case RECORD_DATUM:
        load_datum(loading, record, segment);
        break;
    case RECORD_CLOSED:
        load_closed(loading, record);
        break;
    case RECORD_DONE:
        buf_add(&loading->done, record->payload, record->len / RANGE_BYTES * RANGE_BYTES);
        break;
    case RECORD_IN_FLIGHT:
        buf_clear(&loading->keep->marked);
        buf_add(&loading->keep->marked, record->payload, record->len / RANGE_BYTES * RANGE_BYTES);
        break;
    case RECORD_SERIES:
    case RECORD_READINGS:
    default: /* of a later version */
        break;
    }
}

static void load_segment(void *arg, uint64_t number, const unsigned char *bytes, size_t len)
{
    struct loading *loading = arg;
    struct record_reader reader = {.data = bytes, .len = len};
    struct record record;
    bool any = false;

    while (record_next(&reader, &record)) {
        any = true;
        load_record(loading, &record, number);
    }
    /* An end that a crash tore is as it should be. */
    loading->found->damaged += reader.damaged + (!any && len > 0 ? 1 : 0);
}

static int by_id(const void *a, const void *b)
{
    const struct keep_item *left = a, *right = b;

    if (left->id != right->id) {
        return left->id < right->id ? -1 : 1;
    }
    return left->segment > right->segment ? -1 : left->segment < right->segment;
}

/* The first index whose id is not below this one. */
static size_t place_of(const struct keep_found *found, uint64_t id)
{
    size_t low = 0, high = found->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (found->items[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void drop_item(struct keep_item *item)
{
    free(item->members);
    item->members = NULL;
}

static void set_in_flight(struct keep_item *item)
{
    item->in_flight = true;
}

static void each_in(struct keep_found *found, const struct buf *ranges,
                    void (*act)(struct keep_item *item))
{
    const struct record all = {.payload = (const unsigned char *)buf_text(ranges),
                               .len = ranges->len};
    struct record_cursor cursor = record_cursor(&all);

    while (cursor.left >= RANGE_BYTES) {
        uint64_t first = record_get_u64(&cursor), count = record_get_u64(&cursor);

        for (size_t i = place_of(found, first);
             i < found->count && found->items[i].id - first < count; i++) {
            act(&found->items[i]);
        }
    }
}

/* A datum that was moved to a later segment stands in both. */
static bool is_twin(const struct keep_found *found, size_t index, size_t kept)
{
    return kept > 0 && found->items[kept - 1].id == found->items[index].id;
}

/* Of windows that were not closed: their readings make them again. */
static bool is_unfinished(struct loading *loading, const struct keep_item *item)
{
    if (item->id < loading->keep->next_id) {
        return false;
    }
    loading->found->unfinished++;
    add_done(&loading->keep->done, item->id);
    return true;
}

static void keep_what_counts(struct loading *loading)
{
    struct keep *keep = loading->keep;
    struct keep_found *found = loading->found;
    size_t kept = 0;

    for (size_t i = 0; i < found->count; i++) {
        struct keep_item *item = &found->items[i];

        found->next_id = item->id >= found->next_id ? item->id + 1 : found->next_id;
        if (!item->members) {
            continue;
        }
        if (is_unfinished(loading, item) || is_twin(found, i, kept)) {
            drop_item(item);
            continue;
        }
        store_hold(keep->store, item->segment, 1);
        found->items[kept++] = *item;
    }
    found->count = kept;
}

void keep_load(struct keep *keep, struct keep_found *found)
{
    struct loading loading = {.keep = keep, .found = found};
    struct store_found files;

    *found = (struct keep_found){.count = 0};
    keep->closed.until_ms = INT64_MIN;
    buf_init(&loading.done, BUFFER_MAX);
    store_read(keep->store, load_segment, &loading, &files);
    if (found->count > 0) {
        qsort(found->items, found->count, sizeof(*found->items), by_id);
    }
    each_in(found, &loading.done, drop_item);
    each_in(found, &keep->marked, set_in_flight);
    buf_clear(&keep->marked); /* counted by now: not again after the next crash */
    found->next_id = keep->next_id;
    keep_what_counts(&loading);
    found->closed = keep->closed;
    found->foreign = files.foreign;
    memcpy(found->example, files.example, sizeof(found->example));
    found->err = files.err;
    buf_done(&loading.done);
    keep->broken = true; /* until the first segment is begun */
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void fail(struct keep *keep, const char *why)
{
    buf_clear(&keep->out);
    store_abandon(keep->store);
    if (!keep->told) {
        log_error("%s; what waits for CloudWatch is kept in memory only, trying again at each "
                  "publish_interval",
                  why);
    }
    keep->broken = true;
    keep->told = true;
}

static void on_sync_failed(void *arg, uint64_t number, int errnum)
{
    struct keep *keep = arg;
    uint64_t current = store_number(keep->store);
    struct err err;

    err_set(&err, ERR_SYSTEM, "%s: %s", keep->dir, strerror(errnum));
    fail(keep, err.message);
    keep->options.on_failed(keep->options.arg, number);
    if (current > 0 && current != number) { /* its own sync will not come any more */
        keep->options.on_failed(keep->options.arg, current);
    }
}

static void put_closed(struct keep *keep)
{
    buf_clear(&keep->payload);
    record_put_u64(&keep->payload, keep->closed.first_journal);
    record_put_u64(&keep->payload, (uint64_t)keep->closed.until_ms);
    record_put_u64(&keep->payload, keep->next_id);
    for (int i = 0; i < CLOSINGS; i++) {
        put_record(keep, RECORD_CLOSED, &keep->payload);
    }
}

static void put_done(struct keep *keep)
{
    if (keep->done.len > 0) {
        put_record(keep, RECORD_DONE, &keep->done);
    }
}

static void written(struct keep *keep)
{
    buf_clear(&keep->done);
    if (keep->out.room > SMALL_BYTES) {
        buf_done(&keep->out);
    } else {
        buf_clear(&keep->out);
    }
}

/* false: broken now; who was promised a place in the current segment has none. */
static bool write_out(struct keep *keep)
{
    uint64_t segment = store_number(keep->store);
    struct err err;

    put_done(keep);
    if (keep->out.len == 0) {
        return true;
    }
    if (!store_append(keep->store, buf_text(&keep->out), keep->out.len, &err)) {
        fail(keep, err.message);
        keep->options.on_failed(keep->options.arg, segment);
        return false;
    }
    written(keep);
    return true;
}

/* A segment can be read without those before it. */
static bool begin_segment(struct keep *keep)
{
    struct err err;

    if (!store_begin(keep->store, &err)) {
        fail(keep, err.message);
        return false;
    }
    buf_clear(&keep->out);
    put_done(keep); /* before the closing makes whole what was left unfinished */
    put_closed(keep);
    put_record(keep, RECORD_IN_FLIGHT, &keep->marked);
    if (!store_append(keep->store, buf_text(&keep->out), keep->out.len, &err)) {
        fail(keep, err.message);
        return false;
    }
    written(keep);
    return true;
}

static int64_t segment_bytes(const struct keep *keep)
{
    int64_t bytes = keep->options.limit_bytes / SEGMENTS;

    return bytes < SEGMENT_MIN ? SEGMENT_MIN : bytes > SEGMENT_MAX ? SEGMENT_MAX : bytes;
}

/* Another segment when this one is large, or holds only what is done. */
static void turn_segment(struct keep *keep)
{
    bool spent = store_held(keep->store, store_number(keep->store)) == 0 &&
                 store_written(keep->store) > SEGMENT_MIN;

    if (!keep->broken && (spent || store_written(keep->store) > segment_bytes(keep))) {
        (void)begin_segment(keep);
    }
    store_trim(keep->store);
}

/* What is done while the disk is broken is remembered, so that a disk that comes back knows it. */
void keep_flush(struct keep *keep)
{
    if (keep->broken) {
        if (keep->done.len > RANGES_AT_END * RANGE_BYTES) {
            buf_clear(&keep->done);
        }
        return;
    }
    if (write_out(keep)) {
        turn_segment(keep);
    }
}

uint64_t keep_add(struct keep *keep, uint64_t id, int64_t start_ms, const char *members)
{
    if (keep->broken) {
        return 0;
    }
    buf_clear(&keep->payload);
    record_put_u64(&keep->payload, id);
    record_put_u64(&keep->payload, (uint64_t)start_ms);
    record_put_text(&keep->payload, members);
    if (!buf_ok(&keep->payload)) {
        buf_done(&keep->payload);
        return 0;
    }
    put_record(keep, RECORD_DATUM, &keep->payload);
    store_hold(keep->store, store_number(keep->store), 1);
    return store_number(keep->store);
}

void keep_release(struct keep *keep, uint64_t segment)
{
    store_hold(keep->store, segment, -1);
}

void keep_done(struct keep *keep, uint64_t id, uint64_t segment)
{
    /* One that is in memory only may still stand where writing failed half-way. */
    add_done(&keep->done, id);
    if (segment > 0) {
        store_hold(keep->store, segment, -1);
    }
}

void keep_mark(struct keep *keep, const uint64_t *ids, size_t count)
{
    if (count == 0 && keep->marked.len == 0) {
        return;
    }
    buf_clear(&keep->marked);
    add_ranges(&keep->marked, ids, count);
    if (!keep->broken) {
        put_record(keep, RECORD_IN_FLIGHT, &keep->marked);
        (void)write_out(keep);
    }
}

void keep_close_windows(struct keep *keep, const struct keep_closed *closed, uint64_t next_id)
{
    keep->closed = *closed;
    keep->next_id = next_id;
    if (keep->broken) {
        return;
    }
    put_closed(keep);
    if (write_out(keep)) {
        turn_segment(keep);
        store_sync(keep->store);
    }
}

bool keep_is_usable(struct keep *keep)
{
    bool told = keep->told;

    if (keep->broken && begin_segment(keep)) {
        keep->broken = false;
        keep->told = false;
        if (told) {
            log_info("%s: can be written again", keep->dir);
        }
    }
    return !keep->broken;
}

bool keep_is_whole(const struct keep *keep)
{
    return !keep->broken;
}

uint64_t keep_to_be_moved(const struct keep *keep)
{
    uint64_t oldest = store_oldest(keep->store);
    bool crowded = store_bytes(keep->store) > keep->options.limit_bytes + 2 * segment_bytes(keep);

    return crowded && !keep->broken && oldest != store_number(keep->store) ? oldest : 0;
}
