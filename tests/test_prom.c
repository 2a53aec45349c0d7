/* Pages of metrics: lines, counters over restarts and among several processes, the libraries that
 * are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/prom_page.h"
#include "aws/common/mem.h"

/* --- lines ---------------------------------------------------------------------------------- */

static const struct line_case {
    const char *line;
    enum prom_line kind;
    const char *name;
    size_t labels;
    double value;
} lines[] = {
    {"up 1", PROM_SAMPLE, "up", 0, 1},
    {"a:b_c{} 1.5e3", PROM_SAMPLE, "a:b_c", 0, 1500},
    {"x{a=\"1\",b=\"2\",} -7 1700000000000", PROM_SAMPLE, "x", 2, -7},
    {"x { a = \"q\\\"u}o,te\" , b=\"\" }\t2\r", PROM_SAMPLE, "x", 2, 2},
    {"x_total 3 # {trace_id=\"a\"} 1 2", PROM_SAMPLE, "x_total", 0, 3},
    {"x +Inf", PROM_SAMPLE, "x", 0, INFINITY},
    {"x NaN", PROM_SAMPLE, "x", 0, NAN},
    {"", PROM_COMMENT, NULL, 0, 0},
    {"  # TYPE x counter", PROM_COMMENT, NULL, 0, 0},
    {"# EOF", PROM_COMMENT, NULL, 0, 0},
    {"x", PROM_BAD, NULL, 0, 0},
    {"x 0x10", PROM_BAD, NULL, 0, 0},
    {"x one", PROM_BAD, NULL, 0, 0},
    {"1x 2", PROM_BAD, NULL, 0, 0},
    {"x{a} 1", PROM_BAD, NULL, 0, 0},
    {"x{a=1} 1", PROM_BAD, NULL, 0, 0},
    {"x{a=\"1\" 1", PROM_BAD, NULL, 0, 0},
    {"x{a=\"1 1", PROM_BAD, NULL, 0, 0},
    {"x{a=\"\\", PROM_BAD, NULL, 0, 0},
    {"x{a=\"1\"b=\"2\"} 1", PROM_BAD, NULL, 0, 0},
    {"{\"x\"} 1", PROM_BAD, NULL, 0, 0},
};

static void reads_each_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(lines); i++) {
        const struct line_case *c = &lines[i];
        struct prom_sample sample = {0};

        if (prom_line_parse(c->line, strlen(c->line), &sample) != c->kind) {
            fail_msg("%s", c->line);
        }
        if (c->kind == PROM_SAMPLE) {
            assert_int_equal(sample.name.len, strlen(c->name));
            assert_memory_equal(sample.name.at, c->name, sample.name.len);
            assert_int_equal(sample.label_count, c->labels);
            assert_true(sample.value == c->value || (isnan(sample.value) && isnan(c->value)));
        }
    }
}

static void selects_by_labels(void **state)
{
    static const struct {
        const char *selector, *line;
        bool selects;
    } cases[] = {
        {"a", "a{x=\"1\"} 1", true},
        {"a{x=\"1\"}", "a{y=\"2\",x=\"1\"} 1", true},
        {"a{x=\"1\"}", "a{x=\"12\"} 1", false},
        {"a{x=\"1\"}", "a 1", false},
        {"a{x=\"\"}", "a 1", true},
        {"a", "ab 1", false},
        {"ab", "a 1", false},
    };
    static const char *const bad[] = {"", "1a", "a{b}", "a 1", "a{b=\"c\"", "a{b=\"c\"} x", "a b"};
    struct prom_sample selector, sample;

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_true(prom_selector_parse(cases[i].selector, &selector));
        assert_int_equal(prom_line_parse(cases[i].line, strlen(cases[i].line), &sample),
                         PROM_SAMPLE);
        assert_int_equal(prom_selects(&selector, &sample), cases[i].selects);
    }
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        assert_false(prom_selector_parse(bad[i], &selector));
    }
}

/* --- counters ------------------------------------------------------------------------------- */

#define NONE (-1.0)

/* One page after the other, a second apart: two series, the process' start, what is to be counted.
 */
struct page_case {
    double a, b; /* NONE: not on the page */
    double start;
    double added;
    bool several;
};

static void run(const char *name, const struct page_case *pages, size_t count)
{
    const struct prom_text metric = {"m", 1}, none = {"", 0}, label = {"{l=\"b\"}", 7};
    struct prom_counter counter;

    prom_counter_init(&counter, 1000);
    for (size_t i = 0; i < count; i++) {
        const struct page_case *page = &pages[i];

        prom_counter_begin(&counter);
        if (page->a != NONE) {
            prom_counter_add(&counter, metric, none, page->a);
        }
        if (page->b != NONE) {
            prom_counter_add(&counter, metric, label, page->b);
        }
        double added = prom_counter_end(&counter, page->start, 1000 + (double)i);

        if (added != page->added || counter.several != page->several) {
            fail_msg("%s: page %zu: %g, several %d", name, i, added, counter.several);
        }
    }
    prom_counter_done(&counter);
}

#define RUN(name, ...)                                                                             \
    do {                                                                                           \
        static const struct page_case pages[] = {__VA_ARGS__};                                     \
        run(name, pages, MEM_COUNT(pages));                                                        \
    } while (0)

static void counts_what_was_added(void **state)
{
    (void)state;
    RUN("from the first page on", {7, 3, 500, 0, 0}, {9, 3, 500, 2, 0}, {9, 4, 500, 1, 0});
    RUN("without a start time", {7, 3, NAN, 0, 0}, {9, 3, NAN, 2, 0}, {9, 4, NAN, 1, 0});
    RUN("a process that started after us", {7, NONE, 1000.5, 7, 0}, {8, NONE, 1000.5, 1, 0});
    RUN("a series that is born at 1", {NONE, NONE, 500, 0, 0}, {1, NONE, 500, 1, 0},
        {1, 2, 500, 2, 0});
    RUN("a series that is born at 1, without a start time", {NONE, NONE, NAN, 0, 0},
        {1, NONE, NAN, 1, 0});
    RUN("a restart", {7, 3, 500, 0, 0}, {2, NONE, 1001, 2, 0}, {3, NONE, 1001, 1, 0});
    RUN("a restart that has more already", {7, 3, 500, 0, 0}, {9, NONE, 1001, 9, 0});
    RUN("one pool of a process began anew", {7, 3, 500, 0, 0}, {7, 1, 500, 1, 0},
        {7, 2, 500, 1, 0});
    RUN("a restart without a start time", {7, 3, NAN, 0, 0}, {2, NONE, NAN, 0, 0},
        {3, NONE, NAN, 3, 0}, {3, NONE, NAN, 0, 0});
    RUN("to nothing", {7, 3, NAN, 0, 0}, {0, 0, NAN, 0, 0}, {0, 0, NAN, 0, 0}, {1, 0, NAN, 1, 0});
}

static void several_processes_are_told_apart(void **state)
{
    (void)state;
    RUN("by their start", {7, NONE, 500, 0, 0}, {90, NONE, 501.5, 0, 0}, {8, NONE, 500, 0, 1},
        {91, NONE, 501.5, 0, 1});
    RUN("the older second", {7, NONE, 500, 0, 0}, {90, NONE, 400, 0, 1});
    RUN("a clock that is wrong", {7, NONE, 500, 0, 0}, {2, NONE, 900, 0, 0}, {3, NONE, 900, 1, 0});
    RUN("by going back and forth", {90, NONE, NAN, 0, 0}, {7, NONE, NAN, 0, 0},
        {90, NONE, NAN, 0, 0}, {7, NONE, NAN, 0, 0}, {91, NONE, NAN, 0, 1}, {8, NONE, NAN, 0, 1});
}

static void what_is_no_count_is_none(void **state)
{
    (void)state;
    RUN("not a number", {NAN, 1, 500, 0, 0}, {NAN, 2, 500, 1, 0});
    RUN("negative", {-5, 1, 500, 0, 0}, {-4, 1, 500, 0, 0});
}

static void a_flood_of_series_has_an_end(void **state)
{
    const struct prom_text metric = {"m", 1};
    struct prom_counter counter;
    char text[32];

    (void)state;
    prom_counter_init(&counter, 0);
    for (int page = 0; page < 3; page++) {
        prom_counter_begin(&counter);
        for (int i = 0; i < PROM_SERIES_MAX + 100; i++) {
            int len = snprintf(text, sizeof(text), "{l=\"%d-%d\"}", page, i);

            prom_counter_add(&counter, metric, (struct prom_text){text, (size_t)len}, 1);
        }
        (void)prom_counter_end(&counter, NAN, page);
        assert_int_equal(counter.count, page == 0 ? PROM_SERIES_MAX : counter.count);
        assert_true(counter.count <= PROM_SERIES_MAX);
    }
    assert_true(counter.overflow);
    prom_counter_done(&counter);
}

/* --- pages ---------------------------------------------------------------------------------- */

static const char *const no_selectors[PROM_FIELD_COUNT];

struct page_of {
    const char *name, *first, *second;
    bool has_counter;
    double timeouts, waiting, max_wait, busy, idle, size;
};

static const struct page_of libraries[] = {
    {"HikariCP (Micrometer)",
     "hikaricp_connections_timeout_total{pool=\"A\",} "
     "4.0\nhikaricp_connections_timeout_total{pool=\"B\",} 1.0\n",
     "hikaricp_connections_timeout_total{pool=\"A\",} "
     "6.0\nhikaricp_connections_timeout_total{pool=\"B\",} 2.0\n"
     "hikaricp_connections_pending{pool=\"A\",} 3.0\nhikaricp_connections_active{pool=\"A\",} 8.0\n"
     "hikaricp_connections_active{pool=\"B\",} 1.0\nhikaricp_connections_idle{pool=\"A\",} 2.0\n"
     "hikaricp_connections_max{pool=\"A\",} 10.0\nhikaricp_connections 10\n",
     true, 3, 3, NAN, 9, 2, 10},
    {"HikariCP", "hikaricp_connection_timeout_total{pool=\"A\"} 4\n",
     "hikaricp_connection_timeout_total{pool=\"A\"} 5\nhikaricp_active_connections{pool=\"A\"} 1\n",
     true, 1, NAN, NAN, 1, NAN, NAN},
    {"OpenTelemetry",
     "db_client_connections_timeouts_total{pool_name=\"a\"} 4\n"
     "db_client_connection_timeouts_total{db_client_connection_pool_name=\"a\"} 4\n",
     "db_client_connections_timeouts_total{pool_name=\"a\"} 9\n"
     "db_client_connection_timeouts_total{db_client_connection_pool_name=\"a\"} 9\n"
     "db_client_connections_usage{state=\"used\"} 7\n"
     "db_client_connection_count{db_client_connection_state=\"used\"} 7\n"
     "db_client_connection_count{db_client_connection_state=\"idle\"} 3\n",
     true, 5, NAN, NAN, 7, 3, NAN},
    {"OpenTelemetry", /* as Npgsql 10 has it: born with the first timeout */
     "db_client_connection_count{db_client_connection_state=\"used\"} 7\n",
     "db_client_connection_count{db_client_connection_state=\"used\"} 7\n"
     "db_client_connection_max{db_client_connection_pool_name=\"a\"} 7\n"
     "db_client_connection_npgsql_timeouts_total{db_client_connection_pool_name=\"a\"} 3\n"
     "db_client_connection_npgsql_pending_requests{db_client_connection_pool_name=\"a\"} 5\n",
     true, 3, 5, NAN, 7, NAN, 7},
    {"OpenTelemetry (old names)", "db_client_connections_timeouts_total{pool_name=\"a\"} 4\n",
     "db_client_connections_timeouts_total{pool_name=\"a\"} "
     "5\ndb_client_connections_usage{state=\"idle\"} 2\n",
     true, 1, NAN, NAN, NAN, 2, NAN},
    {"pgx", "pgxpool_canceled_acquire_count_total 1\npgxpool_max_conns 4\n",
     "pgxpool_canceled_acquire_count_total 3\npgxpool_max_conns 4\n", true, 2, NAN, NAN, NAN, NAN,
     4},
    {"pgx", "pgxpool_canceled_acquire_count 1\n",
     "pgxpool_canceled_acquire_count 3\npgxpool_empty_acquire 50\npgxpool_max_conns "
     "4\npgxpool_acquired_conns 4\n",
     true, 2, NAN, NAN, 4, NAN, 4},
    {"Prisma", "prisma_client_queries_wait 1\n",
     "# TYPE prisma_pool_connections_open counter\nprisma_pool_connections_open 3\n"
     "# TYPE prisma_pool_connections_open gauge\nprisma_pool_connections_open 3\n"
     "prisma_client_queries_wait 5\nprisma_pool_connections_busy 2\nprisma_pool_connections_idle "
     "1\n",
     false, 0, 5, NAN, 2, 1, NAN},
    {"PgDog", "cl_waiting 1\n",
     "cl_waiting{user=\"a\"} 1\ncl_waiting{user=\"b\"} 2\nmaxwait{user=\"a\"} "
     "1.5\nmaxwait{user=\"b\"} 0.5\n",
     false, 0, 3, 1.5, NAN, NAN, NAN},
};

static void assert_number(const char *name, double a, double b)
{
    if (!(a == b || (isnan(a) && isnan(b)))) {
        fail_msg("%s: %g is not %g", name, a, b);
    }
}

static void assert_page(const struct page_of *c, const struct prom_found *found)
{
    assert_int_equal(found->has_counter, c->has_counter);
    assert_number(c->name, found->timeouts, c->timeouts);
    assert_number(c->name, found->gauges.waiting, c->waiting);
    assert_number(c->name, found->gauges.max_wait_s, c->max_wait);
    assert_number(c->name, found->gauges.busy, c->busy);
    assert_number(c->name, found->gauges.idle, c->idle);
    assert_number(c->name, found->gauges.size, c->size);
}

static void knows_the_libraries(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(libraries); i++) {
        const struct page_of *c = &libraries[i];
        struct prom_page page;
        struct prom_found found;

        prom_page_init(&page, no_selectors, 1000);
        prom_page_read(&page, c->first, strlen(c->first), 1001, &found);
        assert_true(found.anything);
        assert_string_equal(found.library, c->name);
        assert_number(c->name, found.timeouts, 0);
        prom_page_read(&page, c->second, strlen(c->second), 1002, &found);
        assert_page(c, &found);
        prom_page_done(&page);
    }
}

static void names_of_the_configuration_win(void **state)
{
    static const char *const selectors[PROM_FIELD_COUNT] = {
        [PROM_TIMEOUTS] = "app_db_pool_timeouts_total{pool=\"main\"}",
        [PROM_WAITING] = "app_db_pool_pending",
    };
    static const char first[] =
        "app_db_pool_timeouts_total{pool=\"main\"} 2\npgxpool_canceled_acquire_count 1\n",
                      second[] =
                          "app_db_pool_timeouts_total{pool=\"main\"} 5\n"
                          "app_db_pool_timeouts_total{pool=\"other\"} 9\n"
                          "pgxpool_canceled_acquire_count 8\napp_db_pool_pending{pool=\"main\"} 4";
    const struct page_of wanted = {"own", NULL, NULL, true, 3, 4, NAN, NAN, NAN, NAN};
    struct prom_page page;
    struct prom_found found;

    (void)state;
    prom_page_init(&page, selectors, 1000);
    prom_page_read(&page, first, strlen(first), 1001, &found);
    prom_page_read(&page, second, strlen(second), 1002, &found);
    assert_null(found.library);
    assert_page(&wanted, &found);
    prom_page_done(&page);
}

static void a_page_of_something_else(void **state)
{
    static const char text[] = "go_goroutines 5\nx{ 1\n<html>\n";
    struct prom_page page;
    struct prom_found found;

    (void)state;
    prom_page_init(&page, no_selectors, 1000);
    prom_page_read(&page, text, strlen(text), 1001, &found);
    assert_false(found.anything);
    assert_false(found.has_counter);
    assert_null(found.library);
    prom_page_done(&page);
}

static void the_start_is_found_wherever_it_stands(void **state)
{
    static const char first[] =
        "process_start_time_seconds 9.5e2\npgxpool_canceled_acquire_count 9\n",
                      second[] =
                          "pgxpool_canceled_acquire_count 4\nprocess_start_time_seconds 1002.5\n";
    struct prom_page page;
    struct prom_found found;

    (void)state;
    prom_page_init(&page, no_selectors, 1000);
    prom_page_read(&page, first, strlen(first), 1001, &found);
    prom_page_read(&page, second, strlen(second), 1003, &found);
    assert_number("restart", found.timeouts, 4);
    prom_page_done(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_line),
        cmocka_unit_test(selects_by_labels),
        cmocka_unit_test(counts_what_was_added),
        cmocka_unit_test(several_processes_are_told_apart),
        cmocka_unit_test(what_is_no_count_is_none),
        cmocka_unit_test(a_flood_of_series_has_an_end),
        cmocka_unit_test(knows_the_libraries),
        cmocka_unit_test(names_of_the_configuration_win),
        cmocka_unit_test(a_page_of_something_else),
        cmocka_unit_test(the_start_is_found_wherever_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
