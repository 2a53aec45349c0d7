#include "agent/diagnose/terminate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/idle.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/prose.h"
#include "agent/sample/queries.h"
#include "agent/sample/session.h"
#include "agent/way_in.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define STATEMENT_MAX  65536
#define LINE_BYTES_MAX 4096

struct terminate;

/* One server. */
struct target {
    struct terminate *terminate;
    const struct config_database *database;
    struct session session;
    struct idle_sessions idle;
    size_t next;   /* to be ended */
    bool is_blind; /* without pg_monitor others' states can not be seen */
    bool is_over;
    struct err err;
    char *role; /* who we are there, as an SQL identifier */
};

struct terminate {
    const struct config *config;
    const struct cli *cli;
    uv_loop_t loop;
    struct cloud cloud;
    struct target *targets; /* in the order of the configuration */
    size_t running;
};

/* --- one server ----------------------------------------------------------------------------- */

static void on_closed(void *arg)
{
    struct target *target = arg;

    if (--target->terminate->running == 0) {
        cloud_done(&target->terminate->cloud);
    }
}

static void finish(struct target *target, const struct err *err)
{
    if (target->is_over) {
        return;
    }
    target->is_over = true;
    if (err) {
        target->err = *err;
    }
    session_done(&target->session, on_closed);
}

static void end_next(struct target *target);

static void on_ended(void *arg, const PGresult *result, const struct err *err)
{
    struct target *target = arg;

    idle_judge(&target->idle.items[target->next++], result, err);
    if (err && !pg_is_open(&target->session.pg)) {
        finish(target, err);
        return;
    }
    end_next(target);
}

static void end_next(struct target *target)
{
    struct buf sql;

    if (!target->terminate->cli->yes || target->next == target->idle.count) {
        finish(target, NULL);
        return;
    }
    buf_init(&sql, STATEMENT_MAX);
    idle_end_statement(&target->idle.items[target->next], target->terminate->cli->terminate_idle_ms,
                       &sql);
    session_query(&target->session, buf_text(&sql), on_ended);
    buf_done(&sql);
}

static void on_list(void *arg, const PGresult *result, const struct err *err)
{
    struct target *target = arg;
    struct err parse_err;

    if (!err && !idle_take(&target->idle, result, &parse_err)) {
        err = &parse_err;
    }
    if (err) {
        finish(target, err);
    } else {
        end_next(target);
    }
}

/* Whether others can be seen at all. */
static void on_sample(void *arg, const PGresult *result, const struct err *err)
{
    struct target *target = arg;
    struct snapshot snapshot;
    struct err parse_err;
    struct buf sql;

    if (!err && !snapshot_read(result, &snapshot, &parse_err)) {
        err = &parse_err;
    }
    if (err) {
        finish(target, err);
        return;
    }
    target->is_blind = !snapshot.privileged;
    snapshot_done(&snapshot);
    buf_init(&sql, STATEMENT_MAX);
    idle_list_statement(target->terminate->cli->terminate_idle_ms, &sql);
    session_query(&target->session, buf_text(&sql), on_list);
    buf_done(&sql);
}

static void on_open(void *arg, const struct err *err)
{
    struct target *target = arg;
    struct buf role;

    if (err) {
        finish(target, err);
        return;
    }
    buf_init(&role, LINE_BYTES_MAX);
    prose_identifier(PQuser(target->session.pg.conn), &role);
    target->role = buf_take(&role);
    session_sample(&target->session, on_sample);
}

static void on_lost(void *arg, const struct err *err)
{
    finish(arg, err);
}

static void start(struct target *target)
{
    const struct session_options session = {.loop = &target->terminate->loop,
                                            .database = target->database,
                                            .aws = &target->terminate->cloud.access,
                                            .sample_interval_ms = 1000,
                                            .on_lost = on_lost,
                                            .arg = target};

    session_init(&target->session, &session);
    session_open(&target->session, on_open);
}

static void on_way_in(void *arg, const struct err *err)
{
    struct terminate *terminate = arg;

    (void)err; /* only who logs in by AWS misses a region, and says so */
    terminate->running = terminate->config->database_count;
    for (size_t i = 0; i < terminate->config->database_count; i++) {
        terminate->targets[i].terminate = terminate;
        terminate->targets[i].database = &terminate->config->databases[i];
        start(&terminate->targets[i]);
    }
}

/* --- what was done -------------------------------------------------------------------------- */

static size_t count_of(const struct target *target, enum idle_fate fate)
{
    size_t count = 0;

    for (size_t i = 0; i < target->idle.count; i++) {
        count += target->idle.items[i].fate == fate;
    }
    return count;
}

static void print_sessions(const struct target *target)
{
    static const char *const fates[] = {"", "ended: ", "not idle any more: ", "not ended: "};

    for (size_t i = 0; i < target->idle.count; i++) {
        const struct idle_session *session = &target->idle.items[i];
        struct buf line;

        buf_init(&line, LINE_BYTES_MAX);
        idle_line(session, &line);
        if (session->error) {
            buf_puts(&line, ": ");
            prose_plain(session->error, ERR_MESSAGE_MAX, &line);
        }
        printf("  %s%s\n", fates[session->fate], buf_text(&line));
        buf_done(&line);
    }
}

static void print_target(const struct target *target)
{
    const struct cli *cli = target->terminate->cli;
    struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line, "%s: ", target->database->name);
    if (target->err.code != ERR_NONE) {
        buf_puts(&line, "failed: ");
        prose_plain(target->err.message, ERR_MESSAGE_MAX, &line);
    } else if (target->idle.count == 0) {
        buf_puts(&line, "no session is idle longer than ");
        prose_age(cli->terminate_idle_ms / 1000.0, &line);
    } else {
        prose_count(cli->yes ? count_of(target, IDLE_ENDED) : target->idle.count, "session", &line);
        buf_puts(&line, " idle longer than ");
        prose_age(cli->terminate_idle_ms / 1000.0, &line);
        buf_puts(&line, cli->yes ? " ended" : " would be ended; --yes ends them");
    }
    puts(buf_text(&line));
    buf_done(&line);
    print_sessions(target);
    if (target->is_blind) {
        printf("  other users' sessions can not be seen: GRANT pg_monitor TO %s;\n", target->role);
    }
    if (count_of(target, IDLE_FAILED) > 0) {
        printf("  to end other users' sessions: GRANT pg_signal_backend TO %s;\n", target->role);
    }
}

static json_t *target_json(const struct target *target)
{
    char *server = conninfo_describe(&target->database->conninfo);
    json_t *sessions = json_array();

    for (size_t i = 0; i < target->idle.count; i++) {
        json_array_append_new(sessions, idle_json(&target->idle.items[i]));
    }
    json_t *document = json_pack(
        "{s:o, s:o, s:o, s:o}", "name", json_text(target->database->name), "server",
        json_text(server), "error",
        json_text(target->err.code != ERR_NONE ? target->err.message : NULL), "sessions", sessions);

    free(server);
    return document;
}

static void print_json(const struct terminate *terminate)
{
    json_t *databases = json_array();

    for (size_t i = 0; i < terminate->config->database_count; i++) {
        json_array_append_new(databases, target_json(&terminate->targets[i]));
    }
    json_t *document = json_pack("{s:b, s:o}", "yes", terminate->cli->yes, "databases", databases);

    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(document);
}

static int tell(const struct terminate *terminate)
{
    int status = EXIT_DONE;

    if (terminate->cli->format == FORMAT_JSON) {
        print_json(terminate);
    }
    for (size_t i = 0; i < terminate->config->database_count; i++) {
        const struct target *target = &terminate->targets[i];

        if (terminate->cli->format == FORMAT_TEXT) {
            print_target(target);
        }
        if (target->err.code != ERR_NONE || count_of(target, IDLE_FAILED) > 0) {
            status = EXIT_FAILED;
        }
    }
    return status;
}

int terminate_run(const struct config *config, const struct cli *cli)
{
    struct terminate terminate = {.config = config, .cli = cli};
    int status = EXIT_FAILED;
    struct err err;

    terminate.targets = mem_alloc(config->database_count * sizeof(*terminate.targets));
    uv_loop_init(&terminate.loop);
    if (way_in_open(&terminate.cloud, &terminate.loop, config, on_way_in, &terminate, &err)) {
        loop_run(&terminate.loop);
        status = tell(&terminate);
    } else {
        log_error("%s", err.message);
    }
    for (size_t i = 0; i < config->database_count; i++) {
        idle_done(&terminate.targets[i].idle);
        free(terminate.targets[i].role);
    }
    free(terminate.targets);
    loop_end(&terminate.loop, status);
    return status;
}
