#include "agent/publish/spool.h"

#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/common/mem.h"

/* What PutMetricData takes, less a minute for the way there. */
#define PAST_MAX_MS   (INT64_C(14) * 24 * 3600 * 1000 - 60000)
#define FUTURE_MAX_MS (INT64_C(2) * 3600 * 1000 - 60000)

#define ROOM_FIRST     64
#define WINDOW_MAX_MS  60000
#define ADDED_ANEW_MAX ((int64_t)8 << 20)
#define ALLOCATOR_COST 16 /* bytes that a small allocation takes beside its own */

/*
 * Records lie in the order of arrival, so by id. What is done with leaves a hole (members NULL);
 * holes are squeezed out when they are as many as the rest.
 */
struct spool {
    struct spool_record *records;
    size_t count; /* holes included */
    size_t room;
    size_t first; /* all before it are holes */
    size_t holes;
    int64_t limit_bytes;
    int64_t bytes;
    uint64_t newest_id; /* the first record of the window that arrived last */
    uint64_t own_id;    /* the first of this run */
    uint64_t next_id;
    uint64_t dropped;
    struct keep *keep; /* NULL: in memory only */
};

static int64_t cost_of(const char *members)
{
    return (int64_t)(sizeof(struct spool_record) + strlen(members) + 1 + ALLOCATOR_COST);
}

struct spool *spool_new(int64_t limit_bytes)
{
    struct spool *spool = mem_alloc(sizeof(*spool));

    spool->limit_bytes = limit_bytes;
    return spool;
}

/* Lent texts are const; the spool owns them. */
static void free_members(const char *members)
{
    free((void *)(uintptr_t)members);
}

void spool_free(struct spool *spool)
{
    if (!spool) {
        return;
    }
    for (size_t i = 0; i < spool->count; i++) {
        free_members(spool->records[i].members);
    }
    free(spool->records);
    keep_free(spool->keep);
    free(spool);
}

/* --- Out -------------------------------------------------------------------------------------- */

static void make_hole(struct spool *spool, struct spool_record *record)
{
    spool->bytes -= cost_of(record->members);
    if (spool->keep) {
        keep_done(spool->keep, record->id, record->segment);
    }
    free_members(record->members);
    record->members = NULL;
    spool->holes++;
    while (spool->first < spool->count && !spool->records[spool->first].members) {
        spool->first++;
    }
}

static void squeeze(struct spool *spool)
{
    size_t kept = 0;

    for (size_t i = spool->first; i < spool->count; i++) {
        if (spool->records[i].members) {
            spool->records[kept++] = spool->records[i];
        }
    }
    spool->count = kept;
    spool->first = 0;
    spool->holes = 0;
    if (spool->room > 4 * kept + ROOM_FIRST) { /* after an outage the memory goes back */
        spool->room = 2 * kept + ROOM_FIRST;
        spool->records = mem_grow(spool->records, spool->room, sizeof(*spool->records));
    }
}

static void squeeze_if_due(struct spool *spool)
{
    if (spool->holes * 2 >= spool->count) {
        squeeze(spool);
    }
}

/* The first index whose id is not below this one. */
static size_t place_of(const struct spool *spool, uint64_t id)
{
    size_t low = spool->first, high = spool->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (spool->records[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct spool_record *record_of(const struct spool *spool, uint64_t id)
{
    size_t place = place_of(spool, id);
    bool found = place < spool->count && spool->records[place].id == id;

    return found && spool->records[place].members ? &spool->records[place] : NULL;
}

const struct spool_record *spool_find(const struct spool *spool, uint64_t id)
{
    return record_of(spool, id);
}

static size_t remove_all(struct spool *spool, const uint64_t *ids, size_t count)
{
    size_t removed = 0;

    for (size_t i = 0; i < count; i++) {
        struct spool_record *record = record_of(spool, ids[i]);

        if (record) {
            make_hole(spool, record);
            removed++;
        }
    }
    squeeze_if_due(spool);
    if (spool->keep) {
        keep_flush(spool->keep);
    }
    return removed;
}

void spool_ack(struct spool *spool, const uint64_t *ids, size_t count)
{
    (void)remove_all(spool, ids, count);
}

void spool_drop(struct spool *spool, const uint64_t *ids, size_t count)
{
    spool->dropped += remove_all(spool, ids, count);
}

/* --- In --------------------------------------------------------------------------------------- */

static void make_room_for(struct spool *spool, int64_t bytes)
{
    while (spool->bytes + bytes > spool->limit_bytes && spool->first < spool->count) {
        make_hole(spool, &spool->records[spool->first]);
        spool->dropped++;
    }
    squeeze_if_due(spool);
}

static struct spool_record *append(struct spool *spool, const struct spool_record *record)
{
    if (spool->count == spool->room) {
        spool->room = spool->room > 0 ? spool->room * 2 : ROOM_FIRST;
        spool->records = mem_grow(spool->records, spool->room, sizeof(*spool->records));
    }
    spool->records[spool->count] = *record;
    spool->bytes += cost_of(record->members);
    return &spool->records[spool->count++];
}

static bool begins_window(const struct spool *spool, int64_t start_ms)
{
    return spool->count == 0 || spool->records[spool->count - 1].start_ms != start_ms;
}

void spool_push(struct spool *spool, int64_t start_ms, const char *members)
{
    int64_t bytes = cost_of(members);

    if (bytes > spool->limit_bytes) {
        spool->dropped++;
        return;
    }
    make_room_for(spool, bytes);
    if (begins_window(spool, start_ms)) {
        spool->newest_id = spool->next_id;
    }
    struct spool_record *record = append(
        spool, &(struct spool_record){
                   .id = spool->next_id++, .start_ms = start_ms, .members = mem_strdup(members)});
    if (spool->keep) {
        record->segment = keep_add(spool->keep, record->id, start_ms, members);
    }
}

/* What the journal of an earlier run made is pushed by this run, and of another time. */
void spool_move(struct spool *spool, int64_t from_ms, int64_t to_ms, int64_t by_ms)
{
    for (size_t i = place_of(spool, spool->own_id); i < spool->count; i++) {
        int64_t *start_ms = &spool->records[i].start_ms;

        if (*start_ms > from_ms - WINDOW_MAX_MS && *start_ms <= to_ms) {
            *start_ms += by_ms;
        }
    }
}

void spool_give(struct spool *from, struct spool *to)
{
    for (size_t i = from->first; i < from->count; i++) {
        if (from->records[i].members) {
            spool_push(to, from->records[i].start_ms, from->records[i].members);
            make_hole(from, &from->records[i]);
        }
    }
    squeeze_if_due(from);
}

/* --- On disk ---------------------------------------------------------------------------------- */

/* What stands in that segment is to be written anew: writing failed, or it is in the way. It holds
 * its place there until then. */
static void move_all_of(struct spool *spool, uint64_t segment)
{
    for (size_t i = spool->first; i < spool->count; i++) {
        struct spool_record *record = &spool->records[i];

        record->moves = record->moves || record->segment == segment;
    }
}

static void on_segment_failed(void *arg, uint64_t segment)
{
    move_all_of(arg, segment);
}

static void add_anew(struct spool *spool, struct spool_record *record)
{
    uint64_t before = record->segment;

    record->segment = keep_add(spool->keep, record->id, record->start_ms, record->members);
    record->moves = false;
    if (before > 0) {
        keep_release(spool->keep, before);
    }
}

/* Some at a time: the loop has other things to do. */
static void add_what_is_not_there(struct spool *spool)
{
    int64_t left = ADDED_ANEW_MAX;

    for (size_t i = spool->first; i < spool->count && left > 0; i++) {
        struct spool_record *record = &spool->records[i];

        if (record->members && (record->moves || record->segment == 0)) {
            left -= cost_of(record->members);
            add_anew(spool, record);
        }
    }
}

void spool_close_windows(struct spool *spool, const struct keep_closed *closed)
{
    if (!spool->keep) {
        return;
    }
    if (keep_is_usable(spool->keep)) {
        uint64_t crowded = keep_to_be_moved(spool->keep);

        if (crowded > 0) {
            move_all_of(spool, crowded);
        }
        add_what_is_not_there(spool);
    }
    keep_close_windows(spool->keep, closed, spool->next_id);
}

bool spool_is_on_disk(const struct spool *spool)
{
    return spool->keep && keep_is_whole(spool->keep);
}

void spool_mark(struct spool *spool, const uint64_t *ids, size_t count)
{
    if (spool->keep) {
        keep_mark(spool->keep, ids, count);
    }
}

/* By id, so in order of arrival; the oldest go when there is no room. */
static void take_up(struct spool *spool, const struct keep_found *items, struct spool_found *found)
{
    spool->next_id = items->next_id;
    for (size_t i = 0; i < items->count; i++) {
        const struct keep_item *item = &items->items[i];

        make_room_for(spool, cost_of(item->members));
        append(spool, &(struct spool_record){.id = item->id,
                                             .start_ms = item->start_ms,
                                             .members = item->members,
                                             .segment = item->segment});
        found->ambiguous += item->in_flight ? 1 : 0;
    }
    spool->newest_id = spool->own_id = spool->next_id; /* none of these is new */
    found->datums = spool_count(spool);
}

/* Behind what the disk gave, under new ids. */
static void append_again(struct spool *spool, const struct spool *before)
{
    for (size_t i = before->first; i < before->count; i++) {
        const struct spool_record *record = &before->records[i];

        if (record->members) {
            spool_push(spool, record->start_ms, record->members);
            free_members(record->members);
        }
    }
    free(before->records);
}

bool spool_keep_in(struct spool *spool, uv_loop_t *loop, const char *dir, struct spool_found *found,
                   struct err *err)
{
    const struct keep_options options = {.loop = loop,
                                         .dir = dir,
                                         .limit_bytes = spool->limit_bytes,
                                         .on_failed = on_segment_failed,
                                         .arg = spool};
    struct keep_found items;

    *found = (struct spool_found){.datums = 0};
    if (!keep_open(&options, &spool->keep, err)) {
        return false;
    }
    const struct spool before = *spool;

    spool->records = NULL;
    spool->count = spool->room = spool->first = spool->holes = 0;
    spool->bytes = 0;
    keep_load(spool->keep, &items);
    take_up(spool, &items, found);
    found->damaged = items.damaged;
    found->foreign = items.foreign;
    memcpy(found->example, items.example, sizeof(found->example));
    found->err = items.err;
    found->closed = items.closed;
    spool->dropped += items.damaged;
    free(items.items);
    append_again(spool, &before);
    /* The first segment. */
    if (keep_is_usable(spool->keep)) {
        keep_close_windows(spool->keep, &found->closed, spool->next_id);
    }
    return true;
}

/* --- What to send ----------------------------------------------------------------------------- */

/* A batch being filled. */
struct selection {
    const struct spool_record **out;
    size_t count, max_count;
    size_t bytes, max_bytes;
    int64_t now_ms;
};

/* false: there is no room for this one. */
static bool take(struct spool *spool, struct spool_record *record, struct selection *selection)
{
    const struct cloudwatch_entry entry = {record->start_ms / 1000, record->members};

    if (!record->members || record->start_ms > selection->now_ms + FUTURE_MAX_MS) {
        return true;
    }
    if (record->start_ms < selection->now_ms - PAST_MAX_MS) {
        make_hole(spool, record);
        spool->dropped++;
        return true;
    }
    size_t bytes = cloudwatch_entry_size(&entry);
    if (selection->count == selection->max_count ||
        (selection->count > 0 && selection->bytes + bytes > selection->max_bytes)) {
        return false;
    }
    selection->out[selection->count++] = record;
    selection->bytes += bytes;
    return true;
}

static bool take_range(struct spool *spool, size_t from, size_t to, struct selection *selection)
{
    for (size_t i = from; i < to; i++) {
        if (!take(spool, &spool->records[i], selection)) {
            return false;
        }
    }
    return true;
}

size_t spool_next(struct spool *spool, int64_t now_ms, size_t max_count, size_t max_bytes,
                  const struct spool_record **out)
{
    struct selection selection = {
        .out = out, .max_count = max_count, .max_bytes = max_bytes, .now_ms = now_ms};
    size_t newest = place_of(spool, spool->newest_id);

    if (take_range(spool, newest, spool->count, &selection)) {
        (void)take_range(spool, spool->first, newest, &selection);
    }
    return selection.count;
}

/* --- What there is ---------------------------------------------------------------------------- */

size_t spool_count(const struct spool *spool)
{
    return spool->count - spool->holes;
}

int64_t spool_bytes(const struct spool *spool)
{
    return spool->bytes;
}

uint64_t spool_dropped(const struct spool *spool)
{
    return spool->dropped;
}
