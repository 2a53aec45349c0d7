#include "agent/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "aws/common/buf.h"
#include "aws/common/file.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define FILE_MAX (1 << 20)

struct state {
    char *dir;      /* NULL: memory only */
    char *path;     /* of limits.json; NULL likewise */
    int lock;       /* -1: none */
    json_t *limits; /* {"region/identifier": usable} */
};

static bool read_file(const char *path, struct buf *out, struct err *err)
{
    char chunk[4096];
    ssize_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? true : err_errno(err, errno, "%s", path);
    }
    while ((len = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_add(out, chunk, (size_t)len);
    }
    close(fd);
    return len == 0 || err_errno(err, errno, "%s", path);
}

static bool load(struct state *state, struct err *err)
{
    struct buf text;
    bool ok;

    buf_init(&text, FILE_MAX);
    ok = read_file(state->path, &text, err);
    if (ok && text.len > 0) {
        json_t *limits = NULL;

        ok = json_parse(buf_text(&text), text.len, &limits, err);
        if (ok && json_is_object(limits)) {
            json_decref(state->limits);
            state->limits = json_incref(limits);
        } else if (!ok) {
            err_context(err, "%s is not read", state->path);
        }
        json_decref(limits);
    }
    buf_done(&text);
    return ok;
}

static bool save(const struct state *state, struct err *err)
{
    char *text = mem_check(json_dumps(state->limits, JSON_INDENT(2) | JSON_SORT_KEYS));
    bool ok = file_replace(state->path, text, 0600, FILE_NOT_SYNCED, err);

    free(text);
    return ok;
}

struct state *state_new(const char *dir, struct err *warning)
{
    struct state *state = mem_alloc(sizeof(*state));

    *warning = (struct err){0};
    state->limits = json_object();
    state->lock = -1;
    if (!dir) {
        return state;
    }
    if (access(dir, W_OK | X_OK) != 0) {
        err_set(warning, ERR_SYSTEM, "state_dir %s: %s; make it, or name another", dir,
                strerror(errno));
        err_context(warning, "nothing is kept over a restart, neither limits nor what waits for "
                             "CloudWatch");
        return state;
    }
    state->dir = mem_strdup(dir);
    state->path = mem_printf("%s/limits.json", dir);
    if (!load(state, warning)) {
        err_context(warning, "limits of earlier runs are not known");
    }
    return state;
}

void state_free(struct state *state)
{
    if (!state) {
        return;
    }
    if (state->lock >= 0) {
        close(state->lock);
    }
    json_decref(state->limits);
    free(state->dir);
    free(state->path);
    free(state);
}

/* The kernel gives it back however the process ends. */
bool state_lock(struct state *state, struct err *err)
{
    if (!state->dir) {
        return true;
    }
    char *path = mem_printf("%s/lock", state->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;

    if (!ok) {
        err_set(err, ERR_CONFIG,
                "state_dir %s is in use by another poolwarden; give each agent one of its own",
                state->dir);
        close(fd);
        fd = -1;
    }
    state->lock = fd;
    free(path);
    return ok;
}

const char *state_dir(const struct state *state)
{
    return state->dir;
}

static char *key_of(const char *region, const char *identifier)
{
    return mem_printf("%s/%s", region ? region : "", identifier);
}

double state_limit(const struct state *state, const char *region, const char *identifier)
{
    char *key = key_of(region, identifier);
    double usable = json_number_value(json_object_get(state->limits, key));

    free(key);
    return usable > 0 && usable < 1e9 ? usable : 0;
}

bool state_set_limit(struct state *state, const char *region, const char *identifier, double usable,
                     struct err *err)
{
    if (state_limit(state, region, identifier) == usable) {
        return true;
    }
    char *key = key_of(region, identifier);
    json_object_set_new(state->limits, key, json_integer((json_int_t)usable));
    free(key);
    return !state->path || save(state, err);
}
