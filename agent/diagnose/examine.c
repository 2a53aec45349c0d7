#include "agent/diagnose/examine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_value.h"
#include "agent/sample/session.h"
#include "aws/common/mem.h"

#define STATEMENT_MAX   65536
#define LOGINS_APART_MS 2000

struct examination {
    struct examine_options options;
    struct session session;
    uv_timer_t pause;
    uint64_t logins_ms; /* when they were counted first, by the loop's clock */
    enum fact fact;     /* that is being asked */
    bool over;          /* a statement that is too late is told no more */
    struct diagnosis *diagnosis;
};

/* --- the end -------------------------------------------------------------------------------- */

static void on_pause_closed(uv_handle_t *timer)
{
    struct examination *examination = timer->data;
    struct diagnosis *diagnosis = examination->diagnosis;
    struct examine_options options = examination->options;

    free(examination);
    options.done(options.arg, diagnosis);
}

static void on_session_closed(void *arg)
{
    struct examination *examination = arg;

    uv_close((uv_handle_t *)&examination->pause, on_pause_closed);
}

/* err NULL: it is complete. */
static void finish(struct examination *examination, const struct err *err)
{
    if (examination->over) {
        return;
    }
    examination->over = true;
    if (err) {
        examination->diagnosis->err = *err;
    }
    session_done(&examination->session, on_session_closed);
}

/* --- fact after fact ------------------------------------------------------------------------ */

static void go_on(struct examination *examination);

static void on_fact(void *arg, const PGresult *result, const struct err *err)
{
    struct examination *examination = arg;
    struct diagnosis *diagnosis = examination->diagnosis;
    struct err parse_err;

    if (!err && !facts_take(&diagnosis->facts, examination->fact, result, &parse_err)) {
        err = &parse_err;
    }
    if (err && !pg_is_open(&examination->session.pg)) {
        finish(examination, err);
        return;
    }
    if (err) {
        char *gap = mem_printf("%s: %s", fact_what(examination->fact), err->message);

        value_list_add(&diagnosis->gaps, gap);
        free(gap);
    }
    if (examination->fact == FACT_LOGINS_BEFORE) {
        uv_update_time(examination->options.loop);
        examination->logins_ms = uv_now(examination->options.loop);
    }
    examination->fact = (enum fact)(examination->fact + 1);
    go_on(examination);
}

static void on_pause_over(uv_timer_t *timer)
{
    struct examination *examination = timer->data;

    examination->logins_ms = 0;
    go_on(examination);
}

static bool pauses(struct examination *examination)
{
    uint64_t since_ms = uv_now(examination->options.loop) - examination->logins_ms;

    if (examination->fact != FACT_LOGINS_AFTER || examination->logins_ms == 0 ||
        since_ms >= LOGINS_APART_MS) {
        return false;
    }
    uv_timer_start(&examination->pause, on_pause_over, LOGINS_APART_MS - since_ms, 0);
    return true;
}

static void go_on(struct examination *examination)
{
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    while (examination->fact < FACT_COUNT &&
           !fact_statement(examination->fact, examination->diagnosis->facts.server_version, &sql)) {
        buf_clear(&sql);
        examination->fact = (enum fact)(examination->fact + 1);
    }
    if (examination->fact == FACT_COUNT) {
        finish(examination, NULL);
    } else if (!pauses(examination)) {
        session_query(&examination->session, buf_text(&sql), on_fact);
    }
    buf_done(&sql);
}

/* --- the beginning -------------------------------------------------------------------------- */

static void on_sample(void *arg, const PGresult *result, const struct err *err)
{
    struct examination *examination = arg;
    struct diagnosis *diagnosis = examination->diagnosis;
    struct err parse_err;

    if (!err && !snapshot_read(result, &diagnosis->snapshot, &parse_err)) {
        err = &parse_err;
    }
    if (err) {
        finish(examination, err);
        return;
    }
    /* Its groups point into the result, and are not used here. */
    free(diagnosis->snapshot.groups);
    diagnosis->snapshot.groups = NULL;
    diagnosis->snapshot.group_count = 0;
    go_on(examination);
}

static void on_open(void *arg, const struct err *err)
{
    struct examination *examination = arg;
    struct diagnosis *diagnosis = examination->diagnosis;
    PGconn *conn = examination->session.pg.conn;

    if (err) {
        finish(examination, err);
        return;
    }
    const char *version = PQparameterStatus(conn, "server_version");

    diagnosis->facts.server_version = PQserverVersion(conn);
    (void)snprintf(diagnosis->version, sizeof(diagnosis->version), "%.*s",
                   (int)strcspn(version ? version : "?", " "), version ? version : "?");
    session_sample(&examination->session, on_sample);
}

static void on_lost(void *arg, const struct err *err)
{
    finish(arg, err);
}

void examine_start(const struct examine_options *options)
{
    struct examination *examination = mem_alloc(sizeof(*examination));
    struct diagnosis *diagnosis = mem_alloc(sizeof(*diagnosis));
    const struct session_options session = {.loop = options->loop,
                                            .database = options->database,
                                            .aws = options->aws,
                                            .sample_interval_ms = 1000,
                                            .on_lost = on_lost,
                                            .arg = examination};

    diagnosis->database = options->database;
    diagnosis->known_limit = options->known_limit;
    facts_init(&diagnosis->facts);
    examination->options = *options;
    examination->diagnosis = diagnosis;
    uv_timer_init(options->loop, &examination->pause);
    examination->pause.data = examination;
    session_init(&examination->session, &session);
    session_open(&examination->session, on_open);
}
