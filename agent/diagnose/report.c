#include "agent/diagnose/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/holders.h"
#include "agent/diagnose/session_line.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define INDENT         12 /* where findings' texts begin */
#define HOLDERS_MAX    5
#define LIMITS_MAX     20
#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define NAME_WIDTH     22 /* so that the table is 80 wide */
#define BOLD           "\033[1m"
#define RED            "\033[1;31m"
#define YELLOW         "\033[1;33m"
#define CYAN           "\033[36m"
#define GREEN          "\033[32m"
#define DIM            "\033[2m"
#define PLAIN          "\033[0m"

static void paint(const struct report_style *style, const char *color, const char *text,
                  struct buf *out)
{
    buf_printf(out, "%s%s%s", style->color ? color : "", text, style->color ? PLAIN : "");
}

/* Words from this column on, where the line is already; broken at the width, each further line
 * below the first word. */
static void add_wrapped(const struct report_style *style, size_t column, const char *text,
                        struct buf *out)
{
    size_t at = column;

    while (*text != '\0') {
        size_t bytes = strcspn(text, " ");
        char *word = mem_strndup(text, bytes);
        size_t length = prose_length(word);

        if (at > column && at + 1 + length > style->width) {
            buf_printf(out, "\n%*s", (int)column, "");
            at = column;
        }
        buf_printf(out, "%s%s", at > column ? " " : "", word);
        at += (at > column ? 1 : 0) + length;
        text += bytes + strspn(text + bytes, " ");
        free(word);
    }
    buf_putc(out, '\n');
}

/* The same as a line of its own. */
static void add_paragraph(const struct report_style *style, size_t indent, const char *label,
                          const char *text, struct buf *out)
{
    buf_printf(out, "%*s%s", (int)indent, "", label);
    add_wrapped(style, indent + prose_length(label), text, out);
}

/* --- slots ---------------------------------------------------------------------------------- */

static void add_slots(const struct diagnosis *diagnosis, struct buf *out)
{
    const struct snapshot *snapshot = &diagnosis->snapshot;
    double used = (double)diagnosis->facts.session_count;

    buf_printf(out,
               "  max_connections %.0f, reserved %.0f, usable %.0f, used %.0f (%.0f %%), "
               "available %.0f\n",
               snapshot->max_connections, diagnosis_reserved(diagnosis), snapshot->usable, used,
               snapshot->usable > 0 ? 100 * used / snapshot->usable : 0,
               diagnosis_available(diagnosis));
}

/* --- findings ------------------------------------------------------------------------------- */

static const char *color_of(enum severity severity)
{
    static const char *const colors[] = {RED, YELLOW, CYAN};

    return colors[severity];
}

/* Evidence keeps the blanks before it: they show who blocks whom. */
static void add_evidence(const struct report_style *style, const char *text, struct buf *out)
{
    size_t blanks = strspn(text, " ");

    add_paragraph(style, INDENT + blanks, "- ", text + blanks, out);
}

/* A statement or a command: a line break in it would be one too many. */
static bool is_to_be_copied(const char *remedy)
{
    return strchr(remedy, ';') || strncmp(remedy, "psql ", 5) == 0;
}

static void add_finding(const struct report_style *style, const struct finding *finding,
                        struct buf *out)
{
    const char *name = severity_name(finding->severity);

    buf_puts(out, "\n  ");
    paint(style, color_of(finding->severity), name, out);
    buf_printf(out, "%*s", (int)(INDENT - 2 - strlen(name)), "");
    buf_puts(out, style->color ? BOLD : "");
    add_wrapped(style, INDENT, finding->title, out);
    buf_puts(out, style->color ? PLAIN : "");
    for (size_t i = 0; i < finding->evidence.count; i++) {
        add_evidence(style, finding->evidence.items[i], out);
    }
    add_paragraph(style, INDENT, "", finding->meaning, out);
    for (size_t i = 0; i < finding->remedies.count; i++) {
        buf_printf(out, "%*s", INDENT, "");
        paint(style, GREEN, ">", out);
        buf_putc(out, ' ');
        if (is_to_be_copied(finding->remedies.items[i])) {
            buf_printf(out, "%s\n", finding->remedies.items[i]);
        } else {
            add_wrapped(style, INDENT + 2, finding->remedies.items[i], out);
        }
    }
}

/* --- who holds the slots -------------------------------------------------------------------- */

static void add_cell(const char *text, size_t width, struct buf *out)
{
    size_t length = prose_length(text);

    buf_printf(out, "%s%*s", text, length < width ? (int)(width - length) : 0, "");
}

static void add_holder_row(const struct holder *holder, struct buf *out)
{
    struct buf name, age;

    buf_init(&name, 1024);
    buf_init(&age, 64);
    prose_plain(holder->name, NAME_WIDTH - 4, &name);
    prose_age(holder->oldest_s, &age);
    buf_puts(out, "    ");
    add_cell(buf_text(&name), NAME_WIDTH, out);
    buf_printf(out, "%11zu %7zu %7zu %7zu %7zu  %8s\n", holder->connections, holder->active,
               holder->idle, holder->in_transaction, holder->other, buf_text(&age));
    buf_done(&name);
    buf_done(&age);
}

static void add_holders(const struct report_style *style, const struct diagnosis *diagnosis,
                        struct buf *out)
{
    struct holders holders;
    char *title =
        mem_printf("  %-*s%11s %7s %7s %7s %7s  %8s", NAME_WIDTH + 2, "who holds the slots",
                   "connections", "active", "idle", "in tx", "other", "oldest");

    buf_putc(out, '\n');
    paint(style, BOLD, title, out);
    buf_putc(out, '\n');
    free(title);
    for (int by = 0; by < HOLDER_BY_COUNT; by++) {
        holders_count(&diagnosis->facts, (enum holder_by)by, false, &holders);
        buf_puts(out, "   ");
        paint(style, DIM, holder_by_name((enum holder_by)by), out);
        buf_putc(out, '\n');
        for (size_t i = 0; i < holders.count && i < HOLDERS_MAX; i++) {
            add_holder_row(&holders.items[i], out);
        }
        if (holders.count > HOLDERS_MAX) {
            buf_printf(out, "    and %zu more\n", holders.count - HOLDERS_MAX);
        }
        holders_done(&holders);
    }
}

/* --- pools ---------------------------------------------------------------------------------- */

static void add_pool_number(double value, struct buf *out)
{
    if (isnan(value)) {
        buf_printf(out, " %9s", "?");
    } else {
        buf_printf(out, " %9.4g", value);
    }
}

static void add_pools(const struct report_style *style, const struct diagnosis *diagnosis,
                      struct buf *out)
{
    char *title = mem_printf("  %-*s %9s %9s %9s %9s", NAME_WIDTH + 2, "pools", "waiting",
                             "longest s", "busy", "size");

    if (diagnosis->pool_count > 0) {
        buf_putc(out, '\n');
        paint(style, BOLD, title, out);
        buf_putc(out, '\n');
    }
    free(title);
    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        const struct fact_pool *pool = &diagnosis->pools[i];

        buf_puts(out, "    ");
        add_cell(pool->pool->name, NAME_WIDTH, out);
        add_pool_number(pool->waiting, out);
        add_pool_number(pool->max_wait_s, out);
        add_pool_number(pool->busy, out);
        add_pool_number(pool->size, out);
        buf_putc(out, '\n');
    }
}

/* --- CONNECTION LIMITs ------------------------------------------------------------------------ */

static void add_limits(const struct report_style *style, const struct facts *facts, struct buf *out)
{
    if (facts->limit_count == 0) {
        return;
    }
    buf_puts(out, "\n  ");
    paint(style, BOLD, "limits of roles and databases", out);
    buf_putc(out, '\n');
    for (size_t i = 0; i < facts->limit_count && i < LIMITS_MAX; i++) {
        const struct fact_limit *limit = &facts->limits[i];

        buf_printf(out, "    %s ", limit->of_role ? "role" : "database");
        plain_name(limit->name, out);
        buf_printf(out, ": %zu of %d\n", facts_count_against(facts, limit), limit->limit);
    }
    if (facts->limit_count > LIMITS_MAX) {
        buf_printf(out, "    and %zu more\n", facts->limit_count - LIMITS_MAX);
    }
}

/* --- the budget ----------------------------------------------------------------------------- */

/* "1 task 28, 2 tasks 14, ...": not further than one connection each. */
static void add_budget(const struct report_style *style, const struct diagnosis *diagnosis,
                       struct buf *out)
{
    struct budget budget;
    struct buf text;

    budget_of(diagnosis, &budget);
    buf_init(&text, 65536);
    buf_printf(&text, "%zu of %zu usable connections for applications (%d %%); they hold %zu now",
               budget.budget, budget.usable, BUDGET_PERCENT, budget.in_use);
    if (budget.tasks > 0) {
        buf_printf(&text, ", from %zu task%s (application and client address)", budget.tasks,
                   budget.tasks == 1 ? "" : "s");
    }
    buf_puts(&text, ". connection_limit that fits:");
    for (size_t tasks = 1; tasks <= budget_tasks_listed(&budget) && tasks <= budget.budget;
         tasks++) {
        if (tasks <= BUDGET_TASKS_LISTED || tasks == budget.tasks) {
            buf_printf(&text, "%s %zu for %zu task%s", tasks > 1 ? "," : "",
                       budget_per_task(&budget, tasks), tasks, tasks == 1 ? "" : "s");
        }
    }
    buf_puts(out, "\n  ");
    paint(style, BOLD, "budget", out);
    buf_putc(out, '\n');
    add_paragraph(style, 4, "", buf_text(&text), out);
    buf_done(&text);
}

/* --- the whole ------------------------------------------------------------------------------ */

static void add_healthy(const struct report_style *style, const struct diagnosis *diagnosis,
                        struct buf *out)
{
    double used = (double)diagnosis->facts.session_count, usable = diagnosis->snapshot.usable;

    paint(style, BOLD, diagnosis->database->name, out);
    buf_puts(out, ": ");
    paint(style, GREEN, "healthy", out);
    buf_printf(out, ", %.0f of %.0f usable connections are taken (%.0f %%)", used, usable,
               usable > 0 ? 100 * used / usable : 0);
    buf_puts(out, diagnosis->findings.count == 0 ? ", nothing to mend\n" : "; advice:\n");
}

static void add_header(const struct report_style *style, const struct diagnosis *diagnosis,
                       struct buf *out)
{
    char *server = conninfo_describe(&diagnosis->database->conninfo);

    paint(style, BOLD, diagnosis->database->name, out);
    buf_printf(out, "  %s", server);
    if (diagnosis->err.code == ERR_NONE) {
        buf_printf(out, "  PostgreSQL %s%s", diagnosis->version,
                   diagnosis->snapshot.is_replica ? ", replica" : "");
    }
    buf_putc(out, '\n');
    free(server);
}

void report_text(const struct diagnosis *diagnosis, const struct report_style *style,
                 struct buf *out)
{
    bool sessions = diagnosis->facts.known[FACT_SESSIONS];

    if (diagnosis_is_healthy(diagnosis)) {
        add_healthy(style, diagnosis, out);
    } else {
        add_header(style, diagnosis, out);
    }
    if (sessions && !diagnosis_is_healthy(diagnosis)) {
        add_slots(diagnosis, out);
    }
    for (size_t i = 0; i < diagnosis->findings.count; i++) {
        add_finding(style, &diagnosis->findings.items[i], out);
    }
    for (size_t i = 0; i < diagnosis->gaps.count; i++) {
        buf_putc(out, '\n');
        add_paragraph(style, 2, "not examined: ", diagnosis->gaps.items[i], out);
    }
    if (sessions && !diagnosis_is_healthy(diagnosis)) {
        add_holders(style, diagnosis, out);
        add_pools(style, diagnosis, out);
        add_limits(style, &diagnosis->facts, out);
        add_budget(style, diagnosis, out);
    }
}
