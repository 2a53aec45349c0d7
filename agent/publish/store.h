/*
 * Numbered append-only files of one kind in a directory ("0000000000000007.segment"): written at
 * the newest, deleted whole, from the oldest on. What is in them is the owner's business.
 *
 *     store_open(&options, &store, &err);
 *     store_read(store, on_file, self);             what earlier runs left, oldest first
 *     store_begin(store, &err);                     a new file; what was there is never appended to
 *     store_append(store, bytes, len, &err);
 *     store_sync(store);                            to the disk, in a thread
 *     store_hold(store, number, 1); ... store_hold(store, number, -1); store_trim(store);
 *     store_free(store);
 *
 * write(2) is called on the loop: it goes to the page cache and takes microseconds. fdatasync(2)
 * waits for the device, for seconds when that is in trouble, so a thread does it; nobody waits for
 * its end. A process that is killed loses nothing of what was appended, a host that loses power
 * loses what was not synced. A file is synced to its end when the next one is begun.
 *
 * Only files with our kind of name are touched; others are counted as foreign. What has such a name
 * and is no file, or can not be read, is left where it is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "aws/common/err.h"

#define STORE_FILE_MAX ((size_t)256 << 20) /* one that is larger is none of ours */

struct store;

struct store_options {
    uv_loop_t *loop;
    const char *dir;  /* made when it is missing; its parent is there */
    const char *kind; /* "segment" */
    void (*on_failed)(void *arg, uint64_t number, int errnum); /* a sync of that file */
    void *arg;
};

/* One that is there is fine. */
PW_CHECK bool store_make_dir(const char *dir, struct err *err);

PW_CHECK bool store_open(const struct store_options *options, struct store **out, struct err *err);
void store_free(struct store *store); /* syncs what is not yet; NULL is fine */

typedef void store_on_file(void *arg, uint64_t number, const unsigned char *bytes, size_t len);
struct store_found {
    size_t files;
    size_t foreign;    /* other names, what is no file, too large */
    char example[256]; /* one of those */
    struct err err;    /* of a file that could not be read; ERR_NONE: all could */
};
void store_read(struct store *store, store_on_file *on_file, void *arg, struct store_found *found);

/* Numbers below this one are not used again. */
void store_skip_to(struct store *store, uint64_t number);
uint64_t store_next(const struct store *store); /* number of the file that store_begin() makes */
PW_CHECK bool store_begin(struct store *store, struct err *err);
uint64_t store_number(const struct store *store); /* of the file that is written to; 0: none */
int64_t store_written(const struct store *store); /* bytes of it */
int64_t store_bytes(const struct store *store);   /* of all files */
uint64_t store_oldest(const struct store *store); /* 0: there is none */
size_t store_held(const struct store *store, uint64_t number);

/* All or nothing, but for what a crash leaves. */
PW_CHECK bool store_append(struct store *store, const void *bytes, size_t len, struct err *err);
void store_sync(struct store *store);
void store_abandon(struct store *store); /* it can not be written to any more: begin another */

void store_hold(struct store *store, uint64_t number, int change);
/* Deletes, from the oldest on, what nobody holds and is not written to. */
void store_trim(struct store *store);
