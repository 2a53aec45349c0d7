#include "agent/watch/frame.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/prose.h"
#include "agent/watch/canvas.h"
#include "aws/common/mem.h"

#define RED_PERCENT     95
#define SPARK_SECONDS   300 /* at least so much of the past */
#define BAR_COLUMN      16  /* behind "  42/47  89 %" */
#define LEFT_WIDTH      12  /* "] 5 left" and " max 42" */
#define NAME_WIDTH      16
#define POOL_WIDTH_MIN  12
#define POOL_WIDTH_MAX  32
#define HOLDERS_SHOWN   12
#define HOLDERS_KEPT    6 /* lines that many pools leave to those who hold the slots */
#define HOLDER_NAME_MAX 40
#define AGE_BYTES       32

/* --- numbers -------------------------------------------------------------------------------- */

static double usable_of(const struct view_database *database)
{
    return database->values[METRIC_MAX_CONNECTIONS];
}

static double percent_of(const struct view_database *database)
{
    double usable = usable_of(database);

    return usable > 0 ? 100 * database->values[METRIC_DATABASE_CONNECTIONS] / usable : NAN;
}

/* Are the connections those of now? */
static bool is_current(const struct view_database *database)
{
    return (database->is_up || database->is_full) &&
           !isnan(database->values[METRIC_DATABASE_CONNECTIONS]);
}

static enum ink ink_of(double percent)
{
    return percent >= RED_PERCENT          ? INK_RED
           : percent >= FRAME_MARK_PERCENT ? INK_YELLOW
                                           : INK_GREEN;
}

static const char *age_of(double seconds, char out[AGE_BYTES])
{
    struct buf age;

    buf_init(&age, AGE_BYTES - 1);
    prose_age(seconds, &age);
    (void)snprintf(out, AGE_BYTES, "%s", buf_text(&age));
    buf_done(&age);
    return out;
}

/* --- pieces of a block ---------------------------------------------------------------------- */

static void draw_state(struct canvas *canvas, const struct view *view,
                       const struct view_database *database)
{
    char age[AGE_BYTES];

    if (!database->is_known) {
        canvas_text(canvas, INK_DIM, "connecting");
    } else if (database->is_up) {
        canvas_text(canvas, INK_GREEN, "up");
    } else {
        canvas_text(canvas, INK_RED, "%s for %s: ", database->is_full ? "FULL" : "DOWN",
                    age_of((double)(view->now_ms - database->down_since_ms) / 1000, age));
        canvas_rest(canvas, INK_RED, database->err.message);
    }
}

static void draw_title(struct canvas *canvas, const struct view *view,
                       const struct view_database *database)
{
    canvas_text(canvas, INK_BOLD, "%s", database->database->name);
    canvas_text(canvas, INK_PLAIN, "  ");
    if (database->is_up || !database->is_known) {
        canvas_text(canvas, INK_DIM, "%s", database->server);
        canvas_text(canvas, INK_PLAIN, "  ");
    }
    draw_state(canvas, view, database);
}

/* The mark stands where 80 % end, whether the bar has come so far or not. */
static void draw_bar(struct canvas *canvas, double percent, int width)
{
    int mark = width * FRAME_MARK_PERCENT / 100;
    int filled = isnan(percent) ? 0 : (int)lround(fmin(percent, 100) * width / 100);
    enum ink ink = ink_of(percent);

    if (width < 5) {
        return;
    }
    canvas_text(canvas, INK_PLAIN, "[");
    for (int i = 0; i < width; i++) {
        if (i == mark) {
            canvas_glyph(canvas, INK_BOLD, "\u2502", '|', 1);
        } else if (i < filled) {
            canvas_glyph(canvas, ink, "\u2588", '#', 1);
        } else {
            canvas_glyph(canvas, INK_DIM, "\u2591", '.', 1);
        }
    }
    canvas_text(canvas, INK_PLAIN, "]");
}

static void draw_counts(struct canvas *canvas, const struct view_database *database)
{
    double percent = percent_of(database);

    if (!is_current(database)) {
        canvas_text(canvas, INK_DIM, "-/");
    } else {
        canvas_text(canvas, ink_of(percent), "%.0f", database->values[METRIC_DATABASE_CONNECTIONS]);
        canvas_text(canvas, INK_PLAIN, "/");
    }
    if (isnan(usable_of(database))) {
        canvas_text(canvas, INK_DIM, "?");
        return;
    }
    canvas_text(canvas, INK_PLAIN, "%.0f", usable_of(database));
    if (is_current(database)) {
        canvas_text(canvas, ink_of(percent), "  %.0f %%", percent);
    }
}

static void draw_used(struct canvas *canvas, const struct view_database *database)
{
    canvas_text(canvas, INK_PLAIN, "  ");
    draw_counts(canvas, database);
    canvas_to_column(canvas, BAR_COLUMN);
    draw_bar(canvas, is_current(database) ? percent_of(database) : NAN,
             canvas->columns - canvas->column - LEFT_WIDTH);
    if (is_current(database)) {
        double left = database->values[METRIC_AVAILABLE_CONNECTIONS];

        canvas_text(canvas, left < 1 ? INK_RED : INK_PLAIN, " %.0f left", isnan(left) ? 0 : left);
    }
}

static void draw_column(struct canvas *canvas, double value, double top)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char ascii[] = "_.-:=+*#";
    int level = (int)ceil(fmin(value / top, 1) * 8) - 1;

    if (isnan(value)) {
        canvas_text(canvas, INK_PLAIN, " ");
        return;
    }
    level = level < 0 ? 0 : level;
    canvas_glyph(canvas, ink_of(100 * value / top), blocks[level], ascii[level], 1);
}

static void draw_past(struct canvas *canvas, const struct view *view,
                      const struct view_database *database)
{
    int64_t now_s = view->now_ms / 1000;
    int width = canvas->columns - BAR_COLUMN - LEFT_WIDTH; /* as the bar's */
    int seconds = width > 0 ? (SPARK_SECONDS + width - 1) / width : 1;
    double top = usable_of(database);

    if (width < 5) {
        return;
    }
    canvas_text(canvas, INK_DIM, "  last %d min", width * seconds / 60);
    canvas_to_column(canvas, BAR_COLUMN + 1);
    double most = history_max(&database->connections, now_s, width * seconds);

    for (int back = width - 1; back >= 0; back--) {
        draw_column(canvas, history_column(&database->connections, now_s, seconds, back),
                    top > 0 ? top : fmax(1, most));
    }
    if (!isnan(most)) {
        canvas_text(canvas, INK_DIM, " max %.0f", most);
    }
}

/* "active 3   ": a number that should be 0 is coloured when it is not. */
static void draw_number(struct canvas *canvas, const struct view_database *database,
                        enum metric_id metric, const char *what, enum ink ink)
{
    double value = database->values[metric];

    canvas_text(canvas, INK_DIM, "  %s ", what);
    canvas_text(canvas, value > 0 ? ink : INK_PLAIN, "%.0f", value);
}

static bool draw_gap(struct canvas *canvas, const struct view_database *database)
{
    if (!is_current(database) || database->is_full) {
        canvas_text(canvas, INK_DIM, "  -");
        return true;
    }
    if (!view_has(database, METRIC_CONNECTIONS_ACTIVE)) {
        canvas_text(canvas, INK_YELLOW,
                    "  states can not be seen: GRANT pg_monitor to the user in url");
        return true;
    }
    return false;
}

static void draw_states(struct canvas *canvas, const struct view_database *database)
{
    if (draw_gap(canvas, database)) {
        return;
    }
    draw_number(canvas, database, METRIC_CONNECTIONS_ACTIVE, "active", INK_PLAIN);
    draw_number(canvas, database, METRIC_CONNECTIONS_IDLE, "idle", INK_PLAIN);
    draw_number(canvas, database, METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, "idle in transaction",
                INK_YELLOW);
    draw_number(canvas, database, METRIC_CONNECTIONS_WAITING_ON_LOCK, "waiting for a lock",
                INK_YELLOW);
}

static void draw_lasting(struct canvas *canvas, const struct view_database *database)
{
    char age[AGE_BYTES];

    if (!is_current(database) || !view_has(database, METRIC_CONNECTIONS_ACTIVE)) {
        return;
    }
    draw_number(canvas, database, METRIC_LONG_RUNNING_QUERIES, "long", INK_YELLOW);
    draw_number(canvas, database, METRIC_LEAKED_CONNECTIONS, "leaked", INK_RED);
    draw_number(canvas, database, METRIC_STALE_IDLE_CONNECTIONS, "stale", INK_PLAIN);
    canvas_text(canvas, INK_DIM, "  oldest transaction ");
    canvas_text(canvas, INK_PLAIN, "%s",
                age_of(database->values[METRIC_OLDEST_TRANSACTION_AGE], age));
}

static void draw_queue(struct canvas *canvas, const struct view *view, const struct view_pool *pool)
{
    double waiting = view_pool_value(pool, METRIC_POOL_CLIENTS_WAITING, view->now_ms);
    double longest_s = view_pool_value(pool, METRIC_POOL_MAX_WAIT, view->now_ms);

    if (!isnan(waiting)) {
        canvas_text(canvas, INK_DIM, "  waiting ");
        canvas_text(canvas, waiting > 0 ? INK_YELLOW : INK_PLAIN, "%.0f", waiting);
    }
    if (!isnan(longest_s)) {
        canvas_text(canvas, INK_DIM, "  longest ");
        canvas_text(canvas, longest_s > 0 ? INK_YELLOW : INK_PLAIN, "%.1f s", longest_s);
    }
}

static void draw_use(struct canvas *canvas, const struct view *view, const struct view_pool *pool)
{
    double busy = view_pool_value(pool, METRIC_POOL_CONNECTIONS_BUSY, view->now_ms);
    double size = view_pool_value(pool, METRIC_POOL_SIZE, view->now_ms);

    if (!isnan(busy)) {
        canvas_text(canvas, INK_DIM, "  busy ");
        canvas_text(canvas, busy >= size ? INK_YELLOW : INK_PLAIN, "%.0f", busy);
    }
    if (!isnan(size)) {
        canvas_text(canvas, INK_PLAIN, isnan(busy) ? "  size %.0f" : "/%.0f", size);
    }
}

static void draw_pool(struct canvas *canvas, const struct view *view, const struct view_pool *pool)
{
    double timeouts = view_timeouts(pool, view->now_ms);
    int width = canvas->columns / 7;

    width = width < POOL_WIDTH_MIN ? POOL_WIDTH_MIN : width;
    canvas_text(canvas, INK_DIM, "  pool ");
    canvas_name(canvas, INK_BOLD, pool->name, width < POOL_WIDTH_MAX ? width : POOL_WIDTH_MAX);
    draw_queue(canvas, view, pool);
    draw_use(canvas, view, pool);
    if (!isnan(timeouts)) {
        canvas_text(canvas, INK_DIM, "  timeouts/min ");
        canvas_text(canvas, timeouts > 0 ? INK_RED : INK_PLAIN, "%.0f", timeouts);
    }
    if (pool->trouble) {
        canvas_text(canvas, INK_PLAIN, "  ");
        canvas_rest(canvas, INK_YELLOW, pool->trouble);
    }
}

static bool has_trouble(const struct view *view, const struct view_pool *pool)
{
    return view_pool_value(pool, METRIC_POOL_CLIENTS_WAITING, view->now_ms) > 0 ||
           view_timeouts(pool, view->now_ms) > 0;
}

/* In the order of the configuration; of more than fit those whose clients wait or gave up first. */
static void draw_pools(struct canvas *canvas, const struct view *view,
                       const struct view_database *database, int rows)
{
    bool all = rows >= 0 && database->pool_count <= (size_t)rows;
    int left = all ? rows : rows - 1; /* the last line tells how many more there are */
    size_t shown = 0;

    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < database->pool_count && (int)shown < left; i++) {
            const struct view_pool *pool = &database->pools[i];

            if ((all || has_trouble(view, pool)) == (turn == 0)) {
                draw_pool(canvas, view, pool);
                canvas_new_line(canvas);
                shown++;
            }
        }
    }
    if (!all && rows > 0) {
        canvas_text(canvas, INK_DIM, "  and %zu more pools", database->pool_count - shown);
        canvas_new_line(canvas);
    }
}

/* --- who holds the slots -------------------------------------------------------------------- */

static void draw_holder(struct canvas *canvas, const struct view_database *database,
                        const struct view_holder *holder, int width)
{
    canvas_text(canvas, INK_PLAIN, "  ");
    canvas_name(canvas, INK_PLAIN, holder->name, width);
    canvas_text(canvas, INK_BOLD, "%6.0f", holder->connections);
    if (usable_of(database) > 0) {
        canvas_text(canvas, INK_DIM, " %3.0f %%", 100 * holder->connections / usable_of(database));
    }
}

/* A title and at most so many rows below it; how many lines it took. */
static int draw_holders(struct canvas *canvas, const struct view_database *database, int rows)
{
    const struct view_holder *applications[VIEW_HOLDERS_MAX], *databases[VIEW_HOLDERS_MAX];
    size_t application_count = view_largest(database, &database->applications, applications);
    size_t database_count = view_largest(database, &database->databases, databases);
    int half = canvas->columns / 2;
    int width = half - 18 < HOLDER_NAME_MAX ? half - 18 : HOLDER_NAME_MAX;
    size_t most = application_count > database_count ? application_count : database_count;

    if (!is_current(database) || rows < 2 || most == 0) {
        return 0;
    }
    canvas_text(canvas, INK_DIM, "  applications");
    canvas_to_column(canvas, half);
    canvas_text(canvas, INK_DIM, "  databases");
    canvas_new_line(canvas);
    for (size_t i = 0; i < most && (int)i < rows - 1; i++) {
        if (i < application_count) {
            draw_holder(canvas, database, applications[i], width);
        }
        if (i < database_count) {
            canvas_to_column(canvas, half);
            draw_holder(canvas, database, databases[i], width);
        }
        canvas_new_line(canvas);
    }
    return 1 + ((int)most < rows - 1 ? (int)most : rows - 1);
}

/* --- blocks --------------------------------------------------------------------------------- */

static void draw_line(struct canvas *canvas, const struct view *view,
                      const struct view_database *database)
{
    canvas_name(canvas, INK_BOLD, database->database->name, NAME_WIDTH);
    canvas_text(canvas, INK_PLAIN, " ");
    draw_counts(canvas, database);
    canvas_to_column(canvas, NAME_WIDTH + BAR_COLUMN + 1);
    if (database->is_known && !database->is_up) {
        draw_state(canvas, view, database);
    } else {
        draw_bar(canvas, is_current(database) ? percent_of(database) : NAN,
                 canvas->columns - canvas->column - 2);
    }
    canvas_new_line(canvas);
}

/* In `rows` lines: what matters most has its line first. */
static void draw_block(struct canvas *canvas, const struct view *view,
                       const struct view_database *database, int rows)
{
    int first = canvas->row;

    draw_title(canvas, view, database);
    canvas_new_line(canvas);
    draw_used(canvas, database);
    canvas_new_line(canvas);
    if (rows >= 4) {
        draw_past(canvas, view, database);
        canvas_new_line(canvas);
    }
    if (rows >= 3) {
        draw_states(canvas, database);
        canvas_new_line(canvas);
    }
    if (rows >= 5) {
        draw_lasting(canvas, database);
        canvas_new_line(canvas);
    }
    int room = rows - (canvas->row - first);

    draw_pools(canvas, view, database, room < 2 * HOLDERS_KEPT ? room : room - HOLDERS_KEPT);
    int left = rows - (canvas->row - first) - 1; /* a blank line before the next */

    draw_holders(canvas, database, left < HOLDERS_SHOWN ? left : HOLDERS_SHOWN);
    while (canvas->row - first < rows && canvas_new_line(canvas)) {
    }
}

static void draw_header(struct canvas *canvas, const struct view *view)
{
    time_t seconds = (time_t)(view->now_ms / 1000);
    struct tm utc;
    char text[32] = "";

    if (gmtime_r(&seconds, &utc)) {
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc);
    }
    canvas_text(canvas, INK_BOLD, "poolwarden");
    canvas_text(canvas, INK_PLAIN, "  %s", text);
    canvas_text(canvas, INK_DIM, "  %zu database%s, q quits", view->count,
                view->count == 1 ? "" : "s");
    canvas_new_line(canvas);
}

/* --- more databases than lines -------------------------------------------------------------- */

/* Who is down is fuller than full. */
static double urgency_of(const struct view_database *database)
{
    double percent = percent_of(database);

    return database->is_known && !database->is_up ? 1000 : isnan(percent) ? -1 : percent;
}

static int compare_urgency(const void *a, const void *b)
{
    const struct view_database *left = *(const struct view_database *const *)a;
    const struct view_database *right = *(const struct view_database *const *)b;
    double difference = urgency_of(right) - urgency_of(left);

    return difference > 0   ? 1
           : difference < 0 ? -1
                            : strcmp(left->database->name, right->database->name);
}

static void draw_fullest(struct canvas *canvas, const struct view *view, int rows)
{
    const struct view_database **sorted = mem_alloc(view->count * sizeof(struct view_database *));

    for (size_t i = 0; i < view->count; i++) {
        sorted[i] = &view->databases[i];
    }
    qsort(sorted, view->count, sizeof(struct view_database *), compare_urgency);
    for (int i = 0; i < rows - 1; i++) {
        draw_line(canvas, view, sorted[i]);
    }
    canvas_text(canvas, INK_DIM, "and %zu more, all of them less full",
                view->count - (size_t)(rows > 1 ? rows - 1 : 0));
    free(sorted);
}

void frame_render(const struct view *view, const struct frame_style *style, struct buf *out)
{
    struct canvas canvas;
    int rows = style->rows - 1, count = (int)view->count;

    canvas_init(&canvas, out, style->columns, style->rows);
    canvas.color = style->color;
    canvas.utf8 = style->utf8;
    draw_header(&canvas, view);
    if (count > rows) {
        draw_fullest(&canvas, view, rows);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (rows / count < 2) {
            draw_line(&canvas, view, &view->databases[i]);
        } else {
            draw_block(&canvas, view, &view->databases[i], rows / count);
        }
    }
}
