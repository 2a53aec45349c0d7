#include "agent/health.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "aws/common/file.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define FILE_MAX 65536

char *health_path(const struct config *config)
{
    return config->runtime_dir ? mem_printf("%s/status.json", config->runtime_dir) : NULL;
}

/* --- Words ------------------------------------------------------------------------------------ */

void health_words(const struct health *health, struct buf *out)
{
    size_t own = health->databases - health->followed;

    if (health->fault[0] != '\0') {
        buf_printf(out, "%s; ", health->fault);
    }
    if (own > 0) {
        buf_printf(out, "%zu of %zu databases sampled", health->up, own);
    }
    if (health->followed > 0) {
        buf_printf(out, "%s%zu sampled by another agent", own > 0 ? ", " : "", health->followed);
    }
    if (health->trouble[0] != '\0') {
        buf_printf(out, ", CloudWatch takes nothing: %s", health->trouble);
    }
}

bool health_same_words(const struct health *a, const struct health *b)
{
    return a->databases == b->databases && a->up == b->up && a->followed == b->followed &&
           strcmp(a->fault, b->fault) == 0 && strcmp(a->trouble, b->trouble) == 0;
}

static void put_age(struct buf *out, const char *what, int64_t then_ms, int64_t now_ms)
{
    if (then_ms > 0) {
        buf_printf(out, ", %s %" PRId64 " s ago", what, (now_ms - then_ms) / 1000);
    } else {
        buf_printf(out, ", %s not yet", what);
    }
}

bool health_judge(const struct health *health, int64_t now_ms, struct buf *out)
{
    int64_t silent_ms = now_ms - health->told_ms;
    bool healthy = silent_ms <= HEALTH_SILENT_MS && health->fault[0] == '\0';

    if (silent_ms > HEALTH_SILENT_MS) {
        buf_printf(out, "not healthy: the agent has not moved for %" PRId64 " s; ",
                   silent_ms / 1000);
    } else {
        buf_puts(out, healthy ? "healthy: " : "not healthy: ");
    }
    health_words(health, out);
    put_age(out, "last sample", health->sampled_ms, now_ms);
    put_age(out, "last publish acknowledged", health->published_ms, now_ms);
    buf_printf(out, ", %zu datums wait (%" PRId64 " KB)", health->waiting,
               (health->spool_bytes + 1023) / 1024);
    return healthy;
}

/* --- The file --------------------------------------------------------------------------------- */

static json_t *document_of(const struct health *health)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "told_ms",
                     (json_int_t)health->told_ms, "sampled_ms", (json_int_t)health->sampled_ms,
                     "published_ms", (json_int_t)health->published_ms, "databases",
                     (json_int_t)health->databases, "up", (json_int_t)health->up, "followed",
                     (json_int_t)health->followed, "waiting", (json_int_t)health->waiting,
                     "spool_bytes", (json_int_t)health->spool_bytes, "trouble",
                     json_text(health->trouble), "fault", json_text(health->fault));
}

bool health_write(const struct health *health, const char *path, struct err *err)
{
    json_t *document = document_of(health);
    char *text = json_encode(document);
    bool ok = file_replace(path, text, 0644, FILE_NOT_SYNCED, err);

    json_decref(document);
    free(text);
    return ok;
}

static bool read_text(const char *path, char *text, size_t *len, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, text, FILE_MAX) : -1;

    if (got < 0) {
        err_errno(err, errno, "%s", path);
        err->code = fd < 0 ? ERR_ABSENT : ERR_PARSE;
    }
    if (fd >= 0) {
        close(fd);
    }
    *len = got > 0 ? (size_t)got : 0;
    return got >= 0;
}

static int64_t number_of(const json_t *document, const char *key)
{
    double value = 0;
    bool found = json_number_of(document, key, &value);

    return found && value >= 0 && value < 9e15 ? (int64_t)value : 0;
}

bool health_read(const char *path, struct health *out, struct err *err)
{
    static char text[FILE_MAX];
    json_t *document = NULL;
    size_t len;

    if (!read_text(path, text, &len, err)) {
        return false;
    }
    if (!json_parse(text, len, &document, err)) {
        return err_context(err, "%s", path);
    }
    const char *fault = json_text_of(document, "fault");
    const char *trouble = json_text_of(document, "trouble");
    *out = (struct health){.told_ms = number_of(document, "told_ms"),
                           .sampled_ms = number_of(document, "sampled_ms"),
                           .published_ms = number_of(document, "published_ms"),
                           .databases = (size_t)number_of(document, "databases"),
                           .up = (size_t)number_of(document, "up"),
                           .followed = (size_t)number_of(document, "followed"),
                           .waiting = (size_t)number_of(document, "waiting"),
                           .spool_bytes = number_of(document, "spool_bytes")};
    out->followed = out->followed < out->databases ? out->followed : out->databases;
    (void)snprintf(out->trouble, sizeof(out->trouble), "%s", trouble ? trouble : "");
    (void)snprintf(out->fault, sizeof(out->fault), "%s", fault ? fault : "");
    json_decref(document);
    return true;
}

/* --- The mode --------------------------------------------------------------------------------- */

static json_t *age(int64_t then_ms, int64_t now_ms)
{
    return then_ms > 0 ? json_real((double)(now_ms - then_ms) / 1000) : json_null();
}

static void print_json(const struct health *health, int64_t now_ms, bool healthy, const char *says)
{
    json_t *document =
        json_pack("{s:b, s:o, s:o, s:o, s:I, s:I}", "healthy", healthy, "says", json_text(says),
                  "last_sample_age_s", age(health->sampled_ms, now_ms), "last_publish_age_s",
                  age(health->published_ms, now_ms), "spool_bytes", (json_int_t)health->spool_bytes,
                  "datums_waiting", (json_int_t)health->waiting);

    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(document);
}

int health_run(const struct config *config, enum cli_format format)
{
    char *path = health_path(config);
    int64_t now_ms = (int64_t)(uv_hrtime() / 1000000);
    struct health health = {.told_ms = 0};
    struct buf says;
    struct err err;
    bool healthy = false;

    buf_init(&says, 4096);
    if (!path) {
        buf_puts(&says, "not healthy: runtime_dir is empty, so no agent can tell how it is");
    } else if (!health_read(path, &health, &err)) {
        buf_printf(&says, "not healthy: %s; no agent runs, or its runtime_dir is another",
                   err.message);
    } else {
        healthy = health_judge(&health, now_ms, &says);
    }
    if (format == FORMAT_JSON) {
        print_json(&health, now_ms, healthy, buf_text(&says));
    } else {
        puts(buf_text(&says));
    }
    buf_done(&says);
    free(path);
    return healthy ? EXIT_DONE : EXIT_FAILED;
}
