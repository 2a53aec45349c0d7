#include "agent/sample/prom_page.h"

#include <math.h>
#include <string.h>

#include "aws/common/mem.h"

/* Which series of a library mean what; the first library that is on a page is taken. Without a row
 * of PROM_TIMEOUTS it has no counter of them. */
static const struct row {
    const char *library;
    enum prom_field field;
    const char *selector;
} rows[] = {
    {"HikariCP (Micrometer)", PROM_TIMEOUTS, "hikaricp_connections_timeout_total"},
    {"HikariCP (Micrometer)", PROM_WAITING, "hikaricp_connections_pending"},
    {"HikariCP (Micrometer)", PROM_BUSY, "hikaricp_connections_active"},
    {"HikariCP (Micrometer)", PROM_IDLE, "hikaricp_connections_idle"},
    {"HikariCP (Micrometer)", PROM_SIZE, "hikaricp_connections_max"},

    {"HikariCP", PROM_TIMEOUTS, "hikaricp_connection_timeout_total"},
    {"HikariCP", PROM_WAITING, "hikaricp_pending_threads"},
    {"HikariCP", PROM_BUSY, "hikaricp_active_connections"},
    {"HikariCP", PROM_IDLE, "hikaricp_idle_connections"},
    {"HikariCP", PROM_SIZE, "hikaricp_max_connections"},

    {"OpenTelemetry", PROM_TIMEOUTS, "db_client_connection_timeouts_total"},
    {"OpenTelemetry", PROM_WAITING, "db_client_connection_pending_requests"},
    {"OpenTelemetry", PROM_BUSY, "db_client_connection_count{db_client_connection_state=\"used\"}"},
    {"OpenTelemetry", PROM_IDLE, "db_client_connection_count{db_client_connection_state=\"idle\"}"},
    {"OpenTelemetry", PROM_SIZE, "db_client_connection_max"},
    /* Npgsql 10 and newer has names of its own for two of them, which are there once it happens. */
    {"OpenTelemetry", PROM_TIMEOUTS, "db_client_connection_npgsql_timeouts_total"},
    {"OpenTelemetry", PROM_WAITING, "db_client_connection_npgsql_pending_requests"},

    {"OpenTelemetry (old names)", PROM_TIMEOUTS, "db_client_connections_timeouts_total"},
    {"OpenTelemetry (old names)", PROM_WAITING, "db_client_connections_pending_requests"},
    {"OpenTelemetry (old names)", PROM_BUSY, "db_client_connections_usage{state=\"used\"}"},
    {"OpenTelemetry (old names)", PROM_IDLE, "db_client_connections_usage{state=\"idle\"}"},
    {"OpenTelemetry (old names)", PROM_SIZE, "db_client_connections_max"},

    {"pgx", PROM_TIMEOUTS, "pgxpool_canceled_acquire_count"},
    {"pgx", PROM_TIMEOUTS, "pgxpool_canceled_acquire_count_total"}, /* another exporter */
    {"pgx", PROM_BUSY, "pgxpool_acquired_conns"},
    {"pgx", PROM_IDLE, "pgxpool_idle_conns"},
    {"pgx", PROM_SIZE, "pgxpool_max_conns"},

    {"Prisma", PROM_WAITING, "prisma_client_queries_wait"},
    {"Prisma", PROM_BUSY, "prisma_pool_connections_busy"},
    {"Prisma", PROM_IDLE, "prisma_pool_connections_idle"},

    {"PgDog", PROM_WAITING, "cl_waiting"},
    {"PgDog", PROM_MAX_WAIT, "maxwait"},
    {"PgDog", PROM_BUSY, "sv_active"},
    {"PgDog", PROM_IDLE, "sv_idle"},
    {"PgDog", PROM_WAITING, "pgdog_cl_waiting"},
    {"PgDog", PROM_MAX_WAIT, "pgdog_maxwait"},
    {"PgDog", PROM_BUSY, "pgdog_sv_active"},
    {"PgDog", PROM_IDLE, "pgdog_sv_idle"},
};

#define WANTED_MAX 16
#define START_TIME "process_start_time_seconds"

/* What this page is searched for. */
struct wanted {
    struct prom_sample selectors[WANTED_MAX];
    enum prom_field fields[WANTED_MAX];
    size_t count;
    bool has_counter;
};

static void want(struct wanted *wanted, enum prom_field field, const char *selector)
{
    if (wanted->count < WANTED_MAX &&
        prom_selector_parse(selector, &wanted->selectors[wanted->count])) {
        wanted->fields[wanted->count++] = field;
        wanted->has_counter |= field == PROM_TIMEOUTS;
    }
}

/* --- which library -------------------------------------------------------------------------- */

/* Calls look() for each line. */
static void each_line(const char *text, size_t len,
                      void (*look)(void *arg, const char *line, size_t len), void *arg)
{
    const char *end = text + len;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;

        look(arg, text, (size_t)(stop - text));
        text = stop + 1;
    }
}

static void look_for_library(void *arg, const char *line, size_t len)
{
    size_t *first = arg; /* row, of the first library on the page so far */
    struct prom_text name = prom_name_of(line, len);

    for (size_t i = 0; i < *first && name.len > 0; i++) {
        const char *selector = rows[i].selector;

        if (strncmp(selector, name.at, name.len) == 0 &&
            (selector[name.len] == '\0' || selector[name.len] == '{')) {
            *first = i;
        }
    }
}

static const char *library_on(const char *text, size_t len)
{
    size_t first = MEM_COUNT(rows);

    each_line(text, len, look_for_library, &first);
    return first < MEM_COUNT(rows) ? rows[first].library : NULL;
}

static void collect_wanted(const struct prom_page *page, struct wanted *wanted)
{
    wanted->count = 0;
    wanted->has_counter = false;
    for (int field = 0; page->is_configured && field < PROM_FIELD_COUNT; field++) {
        if (page->selectors[field]) {
            want(wanted, (enum prom_field)field, page->selectors[field]);
        }
    }
    for (size_t i = 0; !page->is_configured && page->library && i < MEM_COUNT(rows); i++) {
        if (strcmp(rows[i].library, page->library) == 0) {
            want(wanted, rows[i].field, rows[i].selector);
        }
    }
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    struct prom_page *page;
    struct wanted wanted;
    struct prom_found *found;
    double start_s;
};

static void add_gauge(double *gauge, double value, bool largest)
{
    if (!isfinite(value)) {
        return;
    }
    if (isnan(*gauge)) {
        *gauge = value;
    } else if (largest) {
        *gauge = value > *gauge ? value : *gauge;
    } else {
        *gauge += value;
    }
}

static double *gauge_of(struct pool_gauges *gauges, enum prom_field field)
{
    switch (field) {
    case PROM_WAITING:
        return &gauges->waiting;
    case PROM_MAX_WAIT:
        return &gauges->max_wait_s;
    case PROM_BUSY:
        return &gauges->busy;
    case PROM_IDLE:
        return &gauges->idle;
    case PROM_SIZE:
        return &gauges->size;
    case PROM_TIMEOUTS:
    case PROM_FIELD_COUNT:
        break;
    }
    return NULL;
}

static void take_sample(struct reader *reader, const struct prom_sample *sample)
{
    for (size_t i = 0; i < reader->wanted.count; i++) {
        if (!prom_selects(&reader->wanted.selectors[i], sample)) {
            continue;
        }
        enum prom_field field = reader->wanted.fields[i];
        double *gauge = gauge_of(&reader->found->gauges, field);

        reader->found->anything = true;
        if (gauge) {
            add_gauge(gauge, sample->value, field == PROM_MAX_WAIT);
        } else {
            reader->found->counter_is_there = true;
            prom_counter_add(&reader->page->counter, sample->name, sample->labels_text,
                             sample->value);
        }
    }
}

static bool is_named(struct prom_text name, const char *text)
{
    return strlen(text) == name.len && memcmp(text, name.at, name.len) == 0;
}

static bool is_wanted(const struct wanted *wanted, struct prom_text name)
{
    for (size_t i = 0; i < wanted->count; i++) {
        struct prom_text other = wanted->selectors[i].name;

        if (other.len == name.len && memcmp(other.at, name.at, name.len) == 0) {
            return true;
        }
    }
    return false;
}

static void read_line(void *arg, const char *line, size_t len)
{
    struct reader *reader = arg;
    struct prom_text name = prom_name_of(line, len);
    bool is_start = is_named(name, START_TIME);
    struct prom_sample sample;

    if (!is_start && !is_wanted(&reader->wanted, name)) {
        return;
    }
    if (prom_line_parse(line, len, &sample) != PROM_SAMPLE) {
        reader->found->bad_lines++;
    } else if (is_start) {
        reader->start_s = sample.value;
    } else {
        take_sample(reader, &sample);
    }
}

/* Another library's counters are others: counting begins anew. */
static void choose_library(struct prom_page *page, const char *text, size_t len, double now_s)
{
    const char *library = page->is_configured ? NULL : library_on(text, len);

    if (!library || library == page->library) {
        return;
    }
    if (page->library) {
        prom_counter_done(&page->counter);
        prom_counter_init(&page->counter, now_s);
    }
    page->library = library;
}

void prom_page_read(struct prom_page *page, const char *text, size_t len, double now_s,
                    struct prom_found *out)
{
    struct reader reader = {.page = page, .found = out, .start_s = NAN};

    *out = (struct prom_found){.gauges = POOL_GAUGES_UNKNOWN};
    choose_library(page, text, len, now_s);
    collect_wanted(page, &reader.wanted);
    prom_counter_begin(&page->counter);
    each_line(text, len, read_line, &reader);
    out->library = page->library;
    out->has_counter = reader.wanted.has_counter;
    out->timeouts = prom_counter_end(&page->counter, reader.start_s, now_s);
}

void prom_page_init(struct prom_page *page, const char *const *selectors, double now_s)
{
    *page = (struct prom_page){.selectors = selectors};
    for (int field = 0; field < PROM_FIELD_COUNT; field++) {
        page->is_configured |= selectors[field] != NULL;
    }
    prom_counter_init(&page->counter, now_s);
}

void prom_page_done(struct prom_page *page)
{
    prom_counter_done(&page->counter);
}
