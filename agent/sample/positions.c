#include "agent/sample/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "aws/common/buf.h"
#include "aws/common/file.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define FILE_MAX  16384
#define NOTES_MAX 512 /* a publish interval of five minutes, and answers that are late */

struct note {
    int64_t tick_ms;
    struct position position;
};

struct place {
    char *name;
    char *log;          /* the file that is followed */
    char *path;         /* NULL: memory only */
    struct note *notes; /* since the last mark, by tick */
    size_t note_count;
    struct position newest, marked, written;
};

struct positions {
    char *dir; /* NULL: memory only */
    struct place **places;
    size_t count;
};

/* --- the file ------------------------------------------------------------------------------- */

static bool number_of(const json_t *object, const char *key, uint64_t *out)
{
    const char *text = json_text_of(object, key);
    char *end;

    if (!text || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool is_of(const json_t *object, const char *log)
{
    const char *text = json_text_of(object, "path");

    return text && strcmp(text, log) == 0;
}

/* 64 bits do not fit into what JSON readers take for a number: texts. */
static json_t *number(uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_string(text);
}

/* Of this log only. */
static void parse(const char *text, size_t len, const char *log, struct position *out)
{
    struct position read = {.known = true};
    uint64_t shapes = 0;
    json_t *object = NULL;

    if (!json_parse(text, len, &object, NULL)) {
        return;
    }
    if (number_of(object, "device", &read.device) && number_of(object, "inode", &read.inode) &&
        number_of(object, "offset", &read.offset) &&
        number_of(object, "head_bytes", &read.head_len) && number_of(object, "head", &read.head) &&
        number_of(object, "read_ms", &read.read_ms) && number_of(object, "shapes", &shapes) &&
        is_of(object, log)) {
        read.shapes = (unsigned)shapes;
        *out = read;
    }
    json_decref(object);
}

static void load(struct place *place)
{
    char text[FILE_MAX];
    int fd = open(place->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return;
    }
    ssize_t len = read(fd, text, sizeof(text));

    if (len > 0) {
        parse(text, (size_t)len, place->log, &place->newest);
    }
    close(fd);
}

static bool save(const struct place *place, struct err *err)
{
    const struct position *position = &place->marked;
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", json_text(place->log),
                  "device", number(position->device), "inode", number(position->inode), "offset",
                  number(position->offset), "head_bytes", number(position->head_len), "head",
                  number(position->head), "read_ms", number(position->read_ms), "shapes",
                  number(position->shapes));
    char *text = mem_check(json_dumps(object, JSON_INDENT(2)));
    bool ok = file_replace(place->path, text, 0600, FILE_NOT_SYNCED, err);

    json_decref(object);
    free(text);
    return ok;
}

/* --- life ----------------------------------------------------------------------------------- */

struct positions *positions_new(const char *dir)
{
    struct positions *positions = mem_alloc(sizeof(*positions));

    positions->dir = dir && access(dir, W_OK | X_OK) == 0 ? mem_strdup(dir) : NULL;
    return positions;
}

void positions_free(struct positions *positions)
{
    if (!positions) {
        return;
    }
    for (size_t i = 0; i < positions->count; i++) {
        free(positions->places[i]->name);
        free(positions->places[i]->log);
        free(positions->places[i]->path);
        free(positions->places[i]->notes);
        free(positions->places[i]);
    }
    free(positions->places);
    free(positions->dir);
    free(positions);
}

static struct place *find(const struct positions *positions, const char *name)
{
    for (size_t i = 0; i < positions->count; i++) {
        if (strcmp(positions->places[i]->name, name) == 0) {
            return positions->places[i];
        }
    }
    return NULL;
}

/* A reload has given the pool another file. */
static void follow_other(struct place *place, const char *log)
{
    free(place->log);
    place->log = mem_strdup(log);
    place->newest = place->marked = place->written = (struct position){0};
    place->note_count = 0;
}

struct place *positions_open(struct positions *positions, const char *name, const char *log)
{
    struct place *place = find(positions, name);

    if (place) {
        if (strcmp(place->log, log) != 0) {
            follow_other(place, log);
        }
        return place;
    }
    place = mem_alloc(sizeof(*place));
    place->name = mem_strdup(name);
    place->log = mem_strdup(log);
    if (positions->dir) {
        place->path = mem_printf("%s/log-%s.json", positions->dir, name);
        load(place);
    }
    place->marked = place->written = place->newest;
    positions->places = mem_grow(positions->places, positions->count + 1, sizeof(struct place *));
    positions->places[positions->count++] = place;
    return place;
}

struct position positions_of(const struct place *place)
{
    return place->newest;
}

/* --- the way of a position ------------------------------------------------------------------ */

static bool same(const struct position *a, const struct position *b)
{
    return a->known == b->known && a->device == b->device && a->inode == b->inode &&
           a->offset == b->offset && a->head_len == b->head_len && a->head == b->head &&
           a->shapes == b->shapes;
}

/* A reading's position in memory, a mark's on disk. */
static bool commit(struct place *place, struct err *err)
{
    if (!place->path || same(&place->marked, &place->written)) {
        return true;
    }
    if (!save(place, err)) {
        return false;
    }
    place->written = place->marked;
    return true;
}

void positions_note(struct place *place, int64_t tick_ms, const struct position *position)
{
    if (same(&place->newest, position)) {
        return;
    }
    if (!place->newest
             .known) { /* where following begins is known at once: nothing was counted before it */
        place->newest = place->marked = *position;
        (void)commit(place, NULL);
        return;
    }
    place->newest = *position;
    if (!place->notes) {
        place->notes = mem_alloc(NOTES_MAX * sizeof(struct note));
    }
    if (place->note_count == NOTES_MAX) {
        memmove(place->notes, place->notes + 1, (NOTES_MAX - 1) * sizeof(struct note));
        place->note_count--;
    }
    place->notes[place->note_count++] = (struct note){.tick_ms = tick_ms, .position = *position};
}

static void mark(struct place *place, int64_t until_ms)
{
    size_t passed = 0;

    while (passed < place->note_count && place->notes[passed].tick_ms < until_ms) {
        passed++;
    }
    if (passed > 0) {
        place->marked = place->notes[passed - 1].position;
        place->note_count -= passed;
        memmove(place->notes, place->notes + passed, place->note_count * sizeof(struct note));
    }
}

void positions_mark(struct positions *positions, int64_t until_ms)
{
    for (size_t i = 0; i < positions->count; i++) {
        mark(positions->places[i], until_ms);
    }
}

bool positions_commit(struct positions *positions, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; i < positions->count; i++) {
        ok = commit(positions->places[i], err) && ok;
    }
    return ok;
}

void positions_keep(struct positions *positions)
{
    struct err err;

    if (!positions_commit(positions, &err)) {
        log_warn("%s; a restart reads lines of logs again", err.message);
    }
}
