#include "agent/publish/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/common/mem.h"

#define NUMBER_DIGITS 16

struct file {
    uint64_t number;
    int64_t bytes;
    size_t held;
    bool is_ours; /* else it is neither read nor deleted */
};

/* A sync under way. It outlives its store. */
struct sync {
    uv_work_t work;
    struct sync *next;
    struct store *store; /* NULL: gone */
    uint64_t number;
    int fd;
    int dir_fd;
    int errnum;
};

struct store {
    struct store_options options;
    char *dir;
    int dir_fd;
    int fd;             /* -1: none */
    struct file *files; /* ascending; the last one is written to when fd is there */
    size_t count;
    size_t room;
    uint64_t next; /* number of the next file */
    struct sync *syncs;
    bool dirty; /* more was appended since the last sync of this file began */
};

/* --- Files ------------------------------------------------------------------------------------ */

static char *name_of(const struct store *store, uint64_t number)
{
    return mem_printf("%016" PRIx64 ".%s", number, store->options.kind);
}

/* false: no name of ours. */
static bool number_in(const struct store *store, const char *name, uint64_t *number)
{
    if (strspn(name, "0123456789abcdef") != NUMBER_DIGITS || name[NUMBER_DIGITS] != '.' ||
        strcmp(name + NUMBER_DIGITS + 1, store->options.kind) != 0) {
        return false;
    }
    *number = strtoull(name, NULL, 16);
    return *number > 0 && *number < UINT32_MAX;
}

static struct file *find_file(const struct store *store, uint64_t number)
{
    for (size_t i = 0; i < store->count; i++) {
        if (store->files[i].number == number) {
            return &store->files[i];
        }
    }
    return NULL;
}

static void add_file(struct store *store, uint64_t number, int64_t bytes)
{
    if (store->count == store->room) {
        store->room += 16;
        store->files = mem_grow(store->files, store->room, sizeof(*store->files));
    }
    store->files[store->count++] = (struct file){.number = number, .bytes = bytes, .is_ours = true};
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = ((const struct file *)a)->number, right = ((const struct file *)b)->number;

    return left < right ? -1 : left > right;
}

/* The name of a new directory is in its parent, and as lost as that when power fails. */
static void sync_parent_of(const char *dir)
{
    char *parent = mem_printf("%s/..", dir);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(parent);
}

bool store_make_dir(const char *dir, struct err *err)
{
    if (mkdir(dir, 0700) == 0) {
        sync_parent_of(dir);
        return true;
    }
    return errno == EEXIST || err_errno(err, errno, "%s", dir);
}

bool store_open(const struct store_options *options, struct store **out, struct err *err)
{
    if (!store_make_dir(options->dir, err)) {
        return false;
    }
    int dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return err_errno(err, errno, "%s", options->dir);
    }
    struct store *store = mem_alloc(sizeof(*store));
    store->options = *options;
    store->dir = mem_strdup(options->dir);
    store->dir_fd = dir_fd;
    store->fd = -1;
    store->next = 1;
    *out = store;
    return true;
}

/* --- What earlier runs left ------------------------------------------------------------------- */

static void note_foreign(struct store_found *found, const char *name)
{
    found->foreign++;
    (void)snprintf(found->example, sizeof(found->example), "%s", name);
}

/* The other kinds of file in this directory have a store of their own. */
static bool is_of_another_kind(const char *name)
{
    return strspn(name, "0123456789abcdef") == NUMBER_DIGITS && name[NUMBER_DIGITS] == '.';
}

static void list(struct store *store, struct store_found *found)
{
    DIR *dir = opendir(store->dir);
    const struct dirent *entry;
    uint64_t number;

    if (!dir) {
        err_errno(&found->err, errno, "%s", store->dir);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (number_in(store, entry->d_name, &number)) {
            add_file(store, number, 0);
        } else if (entry->d_name[0] != '.' && !is_of_another_kind(entry->d_name)) {
            note_foreign(found, entry->d_name);
        }
    }
    closedir(dir);
    if (store->count > 0) {
        qsort(store->files, store->count, sizeof(*store->files), by_number);
        store->next = store->files[store->count - 1].number + 1;
    }
}

/* Read into memory, not mapped: a disk that fails is an error then, and no SIGBUS. */
static unsigned char *read_whole(int fd, size_t size, size_t *len, struct err *err)
{
    unsigned char *bytes = mem_alloc(size);
    ssize_t got = 0;

    *len = 0;
    while (*len < size &&
           ((got = read(fd, bytes + *len, size - *len)) > 0 || (got < 0 && errno == EINTR))) {
        *len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        err_set(err, ERR_SYSTEM, "%s", strerror(errno));
    }
    return bytes;
}

static void read_file(struct store *store, struct file *file, store_on_file *on_file, void *arg,
                      struct store_found *found)
{
    char *name = name_of(store, file->number);
    struct stat status;
    size_t len;
    /* What only looks like a file of ours must not hold us up. */
    int fd = openat(store->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    file->is_ours = false;
    if (fd < 0 || fstat(fd, &status) != 0) {
        err_errno(&found->err, errno, "%s/%s", store->dir, name);
    } else if (!S_ISREG(status.st_mode) || status.st_size > (off_t)STORE_FILE_MAX) {
        note_foreign(found, name);
    } else {
        unsigned char *bytes = read_whole(fd, (size_t)status.st_size, &len, &found->err);

        file->is_ours = true;
        file->bytes = status.st_size;
        found->files++;
        on_file(arg, file->number, bytes, len);
        free(bytes);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(name);
}

/* Else they would hold up the deletion of what is newer, or be deleted themselves. */
static void forget_what_is_not_ours(struct store *store)
{
    size_t kept = 0;

    for (size_t i = 0; i < store->count; i++) {
        if (store->files[i].is_ours) {
            store->files[kept++] = store->files[i];
        }
    }
    store->count = kept;
}

void store_read(struct store *store, store_on_file *on_file, void *arg, struct store_found *found)
{
    *found = (struct store_found){.files = 0};
    list(store, found);
    for (size_t i = 0; i < store->count; i++) {
        read_file(store, &store->files[i], on_file, arg, found);
    }
    forget_what_is_not_ours(store);
}

/* --- To the disk ------------------------------------------------------------------------------ */

static void sync_in_thread(uv_work_t *work)
{
    struct sync *sync = work->data;

    /* The directory too: a new file's name is in it. */
    if (fdatasync(sync->fd) != 0 || fsync(sync->dir_fd) != 0) {
        sync->errnum = errno;
    }
}

static void take_off(struct store *store, const struct sync *sync)
{
    struct sync **at = &store->syncs;

    while (*at != sync) {
        at = &(*at)->next;
    }
    *at = sync->next;
}

static void on_synced(uv_work_t *work, int status)
{
    struct sync *sync = work->data;
    struct store *store = sync->store;
    uint64_t number = sync->number;
    int errnum = sync->errnum;

    (void)status;
    close(sync->fd);
    close(sync->dir_fd);
    if (store) {
        take_off(store, sync);
    }
    free(sync);
    if (store && errnum != 0) {
        store->options.on_failed(store->options.arg, number, errnum);
    } else if (store) {
        store_sync(store);
    }
}

/* Of the file that is written to. */
static void start_sync(struct store *store)
{
    int fd = fcntl(store->fd, F_DUPFD_CLOEXEC, 0);
    int dir_fd = fcntl(store->dir_fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0 || dir_fd < 0) { /* out of descriptors: the next one will do it */
        close(fd);
        close(dir_fd);
        return;
    }
    struct sync *sync = mem_alloc(sizeof(*sync));
    *sync = (struct sync){.work = {.data = sync},
                          .next = store->syncs,
                          .store = store,
                          .number = store_number(store),
                          .fd = fd,
                          .dir_fd = dir_fd};
    store->syncs = sync;
    store->dirty = false;
    uv_queue_work(store->options.loop, &sync->work, sync_in_thread, on_synced);
}

static bool is_being_synced(const struct store *store)
{
    for (const struct sync *sync = store->syncs; sync; sync = sync->next) {
        if (sync->number == store_number(store)) {
            return true;
        }
    }
    return false;
}

void store_sync(struct store *store)
{
    if (store->fd >= 0 && store->dirty && !is_being_synced(store)) {
        start_sync(store);
    }
}

/* --- Writing ---------------------------------------------------------------------------------- */

static bool remove_file(const struct store *store, uint64_t number)
{
    char *name = name_of(store, number);
    bool gone = unlinkat(store->dir_fd, name, 0) == 0 || errno == ENOENT;

    free(name);
    return gone;
}

void store_abandon(struct store *store)
{
    if (store->fd < 0) {
        return;
    }
    const struct file *last = &store->files[store->count - 1];
    if (last->bytes == 0 && remove_file(store, last->number)) {
        store->count--;
    }
    close(store->fd);
    store->fd = -1;
    store->dirty = false;
}

void store_skip_to(struct store *store, uint64_t number)
{
    store->next = number > store->next ? number : store->next;
}

uint64_t store_next(const struct store *store)
{
    return store->next;
}

bool store_begin(struct store *store, struct err *err)
{
    char *name = name_of(store, store->next);
    int fd = openat(store->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0) {
        err_errno(err, errno, "%s/%s", store->dir, name);
    } else {
        if (store->fd >= 0 && store->dirty) {
            start_sync(store); /* to its end: the new one may say that it is whole */
        }
        store_abandon(store);
        store->fd = fd;
        add_file(store, store->next++, 0);
    }
    free(name);
    return fd >= 0;
}

uint64_t store_number(const struct store *store)
{
    return store->fd >= 0 ? store->files[store->count - 1].number : 0;
}

int64_t store_written(const struct store *store)
{
    return store->fd >= 0 ? store->files[store->count - 1].bytes : 0;
}

int64_t store_bytes(const struct store *store)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < store->count; i++) {
        bytes += store->files[i].bytes;
    }
    return bytes;
}

uint64_t store_oldest(const struct store *store)
{
    return store->count > 0 ? store->files[0].number : 0;
}

/* A part of it would be damage in the midst of a file. */
static bool take_back(struct store *store, int errnum, struct err *err)
{
    const struct file *file = &store->files[store->count - 1];

    if (ftruncate(store->fd, file->bytes) != 0) {
        store_abandon(store);
    }
    return err_set(err, ERR_SYSTEM, "%s: %s", store->dir, strerror(errnum));
}

bool store_append(struct store *store, const void *bytes, size_t len, struct err *err)
{
    size_t written = 0;

    if (store->fd < 0) {
        return err_set(err, ERR_SYSTEM, "%s: no file is open", store->dir);
    }
    while (written < len) {
        ssize_t part = write(store->fd, (const char *)bytes + written, len - written);

        if (part == 0 || (part < 0 && errno != EINTR)) {
            return take_back(store, part == 0 ? ENOSPC : errno, err);
        }
        written += part > 0 ? (size_t)part : 0;
    }
    store->files[store->count - 1].bytes += (int64_t)len;
    store->dirty = true;
    return true;
}

/* --- Deleting --------------------------------------------------------------------------------- */

size_t store_held(const struct store *store, uint64_t number)
{
    const struct file *file = find_file(store, number);

    return file ? file->held : 0;
}

void store_hold(struct store *store, uint64_t number, int change)
{
    struct file *file = find_file(store, number);

    if (file) {
        file->held = change < 0 ? file->held - (size_t)-change : file->held + (size_t)change;
    }
}

void store_trim(struct store *store)
{
    uint64_t current = store_number(store);
    size_t gone = 0;

    while (gone < store->count && store->files[gone].held == 0 &&
           store->files[gone].number != current) {
        if (!remove_file(store, store->files[gone].number)) {
            break; /* later, when the file system takes it */
        }
        gone++;
    }
    if (gone > 0) {
        store->count -= gone;
        memmove(store->files, store->files + gone, store->count * sizeof(*store->files));
    }
}

void store_free(struct store *store)
{
    if (!store) {
        return;
    }
    for (struct sync *sync = store->syncs; sync; sync = sync->next) {
        sync->store = NULL;
    }
    if (store->fd >= 0 && store->dirty) {
        (void)fdatasync(store->fd);
        (void)fsync(store->dir_fd);
    }
    store_abandon(store);
    close(store->dir_fd);
    free(store->files);
    free(store->dir);
    free(store);
}
