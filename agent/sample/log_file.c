#include "agent/sample/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "aws/common/mem.h"

#define READ_BYTES_MAX ((size_t)8 << 20)
#define READ_MS_MAX    50
#define CHUNK          65536
#define HEAD_MAX       256
#define SILENT_ENOUGH  2
#define COARSE_MS      20   /* how much a file's time may be behind the clock */
#define ENTRIES_MAX    2000 /* of the directory that are looked at */

/* --- times ---------------------------------------------------------------------------------- */

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int64_t ms_of(const struct timespec *time)
{
    return time->tv_sec * INT64_C(1000) + time->tv_nsec / 1000000;
}

static int64_t now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return ms_of(&now);
}

/* --- one file ------------------------------------------------------------------------------- */

static bool open_tail(const char *path, struct log_tail *out, struct stat *status, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold the loop up */

    if (fd < 0) {
        err_errno(err, errno, "%s", path);
        return false;
    }
    if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) {
        close(fd);
        err_set(err, ERR_CONFIG, "%s: is no file", path);
        return false;
    }
    *out = (struct log_tail){.fd = fd, .device = status->st_dev, .inode = status->st_ino};
    return true;
}

/* FNV-1a of the first bytes, which tell a log from another that took its place; false: they are not
 * there. */
static bool hash_head(int fd, uint64_t len, uint64_t *out)
{
    unsigned char bytes[HEAD_MAX];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    if (len > HEAD_MAX || pread(fd, bytes, len, 0) != (ssize_t)len) {
        return false;
    }
    for (uint64_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    *out = hash;
    return true;
}

static void learn_head(struct log_tail *tail)
{
    uint64_t len = tail->offset < HEAD_MAX ? tail->offset : HEAD_MAX;

    if (len > tail->head_len && hash_head(tail->fd, len, &tail->head)) {
        tail->head_len = len;
    }
}

static bool has_head(int fd, uint64_t len, uint64_t head)
{
    uint64_t found;

    return hash_head(fd, len, &found) && (len == 0 || found == head);
}

static bool is_same_file(const struct log_tail *tail, const struct stat *status)
{
    return tail->device == status->st_dev && tail->inode == status->st_ino;
}

/* --- the queue ------------------------------------------------------------------------------ */

static void append(struct log_file *file, const struct log_tail *tail)
{
    if (file->count == LOG_FILE_QUEUE_MAX) {
        close(tail->fd); /* fifteen rotations that nobody could read yet */
        file->skipped = true;
        return;
    }
    file->queue[file->count++] = *tail;
}

static void prepend(struct log_file *file, const struct log_tail *tail)
{
    if (file->count == LOG_FILE_QUEUE_MAX) {
        close(tail->fd);
        file->skipped = true;
        return;
    }
    memmove(file->queue + 1, file->queue, file->count * sizeof(*file->queue));
    file->queue[0] = *tail;
    file->count++;
}

static void drop_first(struct log_file *file)
{
    log_lines_end(&file->lines, file->on_line, file->arg);
    close(file->queue[0].fd);
    file->count--;
    memmove(file->queue, file->queue + 1, file->count * sizeof(*file->queue));
}

/* --- beside the path ------------------------------------------------------------------------ */

struct search {
    const struct position *wanted;
    const char *base; /* the log's own name */
    struct log_tail best;
    struct timespec best_time;
    bool found, same_inode;
};

/* Calls look() for each other file of the directory whose name starts so, until it returns false.
 */
static void each_file_beside(const struct log_file *file, const char *prefix,
                             bool (*look)(void *arg, const char *name, struct log_tail *tail,
                                          const struct stat *status),
                             void *arg)
{
    const char *slash = strrchr(file->path, '/');
    char *dir = mem_strndup(file->path, slash > file->path ? (size_t)(slash - file->path) : 1);
    DIR *entries = opendir(dir);
    struct dirent *entry;

    for (int i = 0; entries && i < ENTRIES_MAX && (entry = readdir(entries)) != NULL; i++) {
        char *path = mem_printf("%s/%s", dir, entry->d_name);
        struct log_tail tail = {.fd = -1};
        struct stat status;
        bool opened = strcmp(entry->d_name, slash + 1) != 0 && entry->d_name[0] != '.' &&
                      strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
                      open_tail(path, &tail, &status, NULL);

        free(path);
        if (opened && !look(arg, entry->d_name, &tail, &status)) {
            break;
        }
    }
    if (entries) {
        closedir(entries);
    }
    free(dir);
}

/* The file itself under another name, or else a copy of it under a name that starts like its own.
 */
static bool consider(void *arg, const char *name, struct log_tail *tail, const struct stat *status)
{
    struct search *search = arg;
    const struct position *wanted = search->wanted;
    bool same = tail->device == wanted->device && tail->inode == wanted->inode;
    bool copy = wanted->head_len > 0 && strncmp(name, search->base, strlen(search->base)) == 0;

    bool newer = !search->found || is_later(&status->st_mtim, &search->best_time);

    if ((same || (copy && newer)) && (uint64_t)status->st_size >= wanted->offset &&
        has_head(tail->fd, wanted->head_len, wanted->head)) {
        if (search->found) {
            close(search->best.fd);
        }
        search->best = *tail;
        search->best_time = status->st_mtim;
        search->found = true;
        search->same_inode = same;
    } else {
        close(tail->fd);
    }
    return !search->same_inode;
}

static bool find_rotated(const struct log_file *file, const struct position *wanted,
                         struct search *search)
{
    *search = (struct search){.wanted = wanted, .base = strrchr(file->path, '/') + 1};
    each_file_beside(file, "", consider, search);
    if (search->found) {
        search->best.rotated = true;
        search->best.offset = wanted->offset;
        search->best.head_len = wanted->head_len;
        search->best.head = wanted->head;
    }
    return search->found;
}

struct copy {
    const struct position *of;
    const char *base;
    const struct stat *now; /* the log itself */
    bool larger;
};

static bool consider_copy(void *arg, const char *name, struct log_tail *tail,
                          const struct stat *status)
{
    struct copy *copy = arg;

    (void)name;
    copy->larger = status->st_size > copy->now->st_size &&
                   (uint64_t)ms_of(&status->st_mtim) + COARSE_MS >= copy->of->read_ms &&
                   !is_same_file(tail, copy->now) &&
                   has_head(tail->fd, copy->of->head_len, copy->of->head);
    close(tail->fd);
    return !copy->larger;
}

/* Lines that are all the same, a truncated file that has grown beyond where we were: only a copy
 * that was made since then, and holds more than the file does, tells. A file that is only appended
 * to is never smaller than its copy. */
static bool has_larger_copy(const struct log_file *file, const struct position *of,
                            const struct stat *now)
{
    struct copy copy = {.of = of, .base = strrchr(file->path, '/') + 1, .now = now};

    if (of->read_ms > 0) {
        each_file_beside(file, copy.base, consider_copy, &copy);
    }
    return copy.larger;
}

struct between {
    struct log_file *file;
    const struct search *after;
    struct timespec times[LOG_FILE_QUEUE_MAX];
};

/* "app.log.1", "app.log-20261125": of names that only dates and numbers can make. */
static bool is_numbered(const char *name, const char *base)
{
    size_t len = strlen(base);

    return strncmp(name, base, len) == 0 && name[len] != '\0' &&
           name[len + strspn(name + len, "0123456789.-_")] == '\0';
}

/* Rotated after the one that we stopped in: whole, in the order of their last bytes. */
static bool take_between(void *arg, const char *name, struct log_tail *tail,
                         const struct stat *status)
{
    struct between *between = arg;
    struct log_file *file = between->file;
    const struct search *after = between->after;
    size_t place = file->count;

    if (!is_numbered(name, after->base) || is_same_file(&after->best, status) ||
        is_later(&after->best_time, &status->st_mtim) || file->count == LOG_FILE_QUEUE_MAX) {
        close(tail->fd);
        return true;
    }
    tail->rotated = true;
    append(file, tail);
    while (place > 1 && is_later(&between->times[place - 1], &status->st_mtim)) {
        file->queue[place] = file->queue[place - 1];
        between->times[place] = between->times[place - 1];
        place--;
    }
    file->queue[place] = *tail;
    between->times[place] = status->st_mtim;
    return true;
}

/* --- starting ------------------------------------------------------------------------------- */

/* The file at the path is the one that we stopped in, and holds what we had read. */
static bool is_where_we_were(const struct log_file *file, const struct log_tail *tail,
                             const struct stat *status)
{
    const struct position *start = &file->start;

    return tail->device == start->device && tail->inode == start->inode &&
           (uint64_t)status->st_size >= start->offset &&
           has_head(tail->fd, start->head_len, start->head) &&
           !has_larger_copy(file, start, status);
}

static void go_on_in(struct log_tail *tail, const struct position *start)
{
    tail->offset = start->offset;
    tail->head_len = start->head_len;
    tail->head = start->head;
}

static void start_at_rotated(struct log_file *file)
{
    struct search search;
    struct between between = {.file = file, .after = &search};

    if (find_rotated(file, &file->start, &search)) {
        append(file, &search.best);
        each_file_beside(file, search.base, take_between, &between);
    } else {
        file->skipped = true;
    }
}

static bool start(struct log_file *file, struct err *err)
{
    struct log_tail tail = {.fd = -1};
    struct stat status;

    if (!open_tail(file->path, &tail, &status, err)) {
        file->started = file->started || access(file->path, F_OK) != 0; /* what comes is new */
        return false;
    }
    if (file->start.known && is_where_we_were(file, &tail, &status)) {
        go_on_in(&tail, &file->start);
    } else if (file->start.known) {
        start_at_rotated(file);
    } else if (!file->started) {
        tail.offset = (uint64_t)status.st_size;
        learn_head(&tail);
    }
    file->started = true;
    file->start.known = false;
    append(file, &tail);
    return true;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Is another file at the path now? */
static void look_at_path(struct log_file *file)
{
    struct log_tail tail = {.fd = -1};
    struct stat status;

    if (stat(file->path, &status) == 0 && is_same_file(&file->queue[file->count - 1], &status)) {
        return;
    }
    if (open_tail(file->path, &tail, &status, NULL)) {
        append(file, &tail);
    }
}

/* Begins again at the start; what had not been read is in the copy, if there is one. */
static void take_truncated(struct log_file *file)
{
    struct position rest = log_file_position(file);
    struct log_tail *tail = &file->queue[0];
    struct search search;
    bool found;

    rest.inode = 0; /* a copy is another file */
    log_lines_done(&file->lines);
    tail->offset = tail->head_len = tail->head = 0;
    tail->silent = 0;
    found = rest.head_len > 0 && find_rotated(file, &rest, &search);
    if (found) {
        prepend(file, &search.best);
    } else {
        file->skipped = true;
    }
}

static bool is_truncated(const struct log_file *file, const struct stat *status)
{
    const struct log_tail *tail = &file->queue[0];
    const struct position position = log_file_position(file);

    if ((uint64_t)status->st_size <= tail->offset) {
        return (uint64_t)status->st_size < tail->offset;
    }
    return tail->head_len > 0 && (!has_head(tail->fd, tail->head_len, tail->head) ||
                                  has_larger_copy(file, &position, status));
}

/* Reads the first file of the queue to its end; false: what a reading may take is used up. */
static bool read_first(struct log_file *file, size_t *left, int64_t until_ms)
{
    struct log_tail *tail = &file->queue[0];
    char bytes[CHUNK];
    ssize_t len;

    file->read_ms = (uint64_t)now_ms(CLOCK_REALTIME);
    while (*left > 0 && now_ms(CLOCK_MONOTONIC) < until_ms) {
        len = pread(tail->fd, bytes, sizeof(bytes), (off_t)tail->offset);
        if (len <= 0) {
            tail->silent++;
            learn_head(tail);
            return true;
        }
        tail->silent = 0;
        tail->offset += (uint64_t)len;
        *left -= (size_t)len < *left ? (size_t)len : *left;
        log_lines_feed(&file->lines, bytes, (size_t)len, file->on_line, file->arg);
    }
    learn_head(tail);
    return false;
}

static bool is_finished(const struct log_file *file)
{
    const struct log_tail *first = &file->queue[0];

    return file->count > 1 && (first->rotated || first->silent >= SILENT_ENOUGH);
}

bool log_file_read(struct log_file *file, struct err *err)
{
    size_t left = READ_BYTES_MAX;
    int64_t until_ms = now_ms(CLOCK_MONOTONIC) + READ_MS_MAX;
    struct stat status;

    if (file->count == 0 && !start(file, err)) {
        return false;
    }
    look_at_path(file);
    for (;;) {
        if (!file->queue[0].rotated && fstat(file->queue[0].fd, &status) == 0 &&
            is_truncated(file, &status)) {
            take_truncated(file);
        }
        if (!read_first(file, &left, until_ms) || !is_finished(file)) {
            return true;
        }
        drop_first(file);
    }
}

/* --- life ----------------------------------------------------------------------------------- */

void log_file_init(struct log_file *file, const char *path, const struct position *start,
                   log_on_line *on_line, void *arg)
{
    *file = (struct log_file){
        .path = mem_strdup(path), .start = *start, .on_line = on_line, .arg = arg};
}

void log_file_done(struct log_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        close(file->queue[i].fd);
    }
    log_lines_done(&file->lines);
    free(file->path);
    *file = (struct log_file){0};
}

struct position log_file_position(const struct log_file *file)
{
    const struct log_tail *tail = &file->queue[0];

    if (file->count == 0) {
        return file->start;
    }
    return (struct position){.known = true,
                             .device = tail->device,
                             .inode = tail->inode,
                             .offset = tail->offset - file->lines.pending,
                             .head_len = tail->head_len,
                             .head = tail->head,
                             .read_ms = file->read_ms};
}

bool log_file_lost(struct log_file *file)
{
    bool lost = file->skipped;

    file->skipped = false;
    return lost;
}
