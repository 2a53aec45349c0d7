#include "agent/diagnose/diagnose.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/config_value.h"
#include "agent/diagnose/examine.h"
#include "agent/diagnose/report.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/state.h"
#include "agent/way_in.h"
#include "aws/common/mem.h"

#define TEXT_MAX      ((size_t)64 << 20)
#define POOL_READINGS 8   /* two seconds: whether a queue stays */
#define WIDTH         100 /* where nobody says how wide */
#define WIDTH_MIN     60
#define WIDTH_MAX     140

struct diagnose {
    const struct config *config;
    uv_loop_t loop;
    struct cloud cloud;
    struct state *state;
    struct diagnosis **diagnoses; /* in the order of the configuration; NULL: under way */
    struct pools_look pools;
    size_t running; /* examinations, and the look at pools */
};

/* A pool that told nothing is a gap, not a healthy one. */
static void add_pools(struct diagnosis *diagnosis, const struct pools_look *look)
{
    diagnosis->pools = mem_alloc(look->count * sizeof(*diagnosis->pools));
    for (size_t i = 0; i < look->count; i++) {
        const struct fact_pool *pool = &look->pools[i];

        if (pool->pool->of != diagnosis->database) {
            continue;
        }
        diagnosis->pools[diagnosis->pool_count++] = *pool;
        if (pool->trouble) {
            char *gap = mem_printf("pool %s: %s", pool->pool->name, pool->trouble);

            value_list_add(&diagnosis->gaps, gap);
            free(gap);
        }
    }
}

static void end_part(struct diagnose *diagnose)
{
    if (--diagnose->running > 0) {
        return;
    }
    for (size_t i = 0; i < diagnose->config->database_count; i++) {
        add_pools(diagnose->diagnoses[i], &diagnose->pools);
        diagnosis_conclude(diagnose->diagnoses[i]);
    }
    cloud_done(&diagnose->cloud);
}

static void on_examined(void *arg, struct diagnosis *diagnosis)
{
    struct diagnose *diagnose = arg;

    diagnose->diagnoses[diagnosis->database - diagnose->config->databases] = diagnosis;
    end_part(diagnose);
}

static void on_pools_looked(void *arg)
{
    end_part(arg);
}

/* The region that the agent would have found without asking anybody. */
static double known_limit(const struct state *state, const struct config *config,
                          const struct config_database *database)
{
    const char *const regions[] = {database->region, config->region, getenv("AWS_REGION"),
                                   getenv("AWS_DEFAULT_REGION"), ""};
    const char *region = NULL;

    for (size_t i = 0; !region; i++) {
        region = regions[i];
    }
    return state_limit(state, region, database->identifier);
}

static void on_way_in(void *arg, const struct err *err)
{
    struct diagnose *diagnose = arg;

    (void)err; /* only who logs in by AWS misses a region, and says so */
    diagnose->running = diagnose->config->database_count + 1;
    const struct pools_look_options pools = {.loop = &diagnose->loop,
                                             .config = diagnose->config,
                                             .readings = POOL_READINGS,
                                             .done = on_pools_looked,
                                             .arg = diagnose};

    pools_look_start(&diagnose->pools, &pools);
    for (size_t i = 0; i < diagnose->config->database_count; i++) {
        const struct config_database *database = &diagnose->config->databases[i];
        const struct examine_options options = {
            .loop = &diagnose->loop,
            .database = database,
            .aws = &diagnose->cloud.access,
            .known_limit = known_limit(diagnose->state, diagnose->config, database),
            .done = on_examined,
            .arg = diagnose,
        };

        examine_start(&options);
    }
}

/* --- printing ------------------------------------------------------------------------------- */

static struct report_style style_of_stdout(void)
{
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct report_style style = {.color = terminal && !getenv("NO_COLOR"), .width = WIDTH};
    struct winsize size;

    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.width = size.ws_col < WIDTH_MIN   ? WIDTH_MIN
                      : size.ws_col > WIDTH_MAX ? WIDTH_MAX
                                                : size.ws_col;
    }
    return style;
}

static void print_text(const struct diagnose *diagnose)
{
    struct report_style style = style_of_stdout();
    bool after_long = false;

    for (size_t i = 0; i < diagnose->config->database_count; i++) {
        const struct diagnosis *diagnosis = diagnose->diagnoses[i];
        struct buf text;

        buf_init(&text, TEXT_MAX);
        report_text(diagnosis, &style, &text);
        bool is_long = strchr(buf_text(&text), '\n')[1] != '\0';

        printf("%s%s", i > 0 && (is_long || after_long) ? "\n" : "", buf_text(&text));
        after_long = is_long;
        buf_done(&text);
    }
}

static void print_json(const struct diagnose *diagnose)
{
    json_t *databases = json_array();

    for (size_t i = 0; i < diagnose->config->database_count; i++) {
        json_array_append_new(databases, report_json(diagnose->diagnoses[i]));
    }
    json_t *document = json_pack("{s:o}", "databases", databases);

    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(document);
}

static int print_and_free(struct diagnose *diagnose, enum cli_format format)
{
    int status = EXIT_DONE;

    if (format == FORMAT_JSON) {
        print_json(diagnose);
    } else {
        print_text(diagnose);
    }
    for (size_t i = 0; i < diagnose->config->database_count; i++) {
        status = diagnose->diagnoses[i]->err.code != ERR_NONE ? EXIT_FAILED : status;
        diagnosis_done(diagnose->diagnoses[i]);
        free(diagnose->diagnoses[i]);
    }
    return status;
}

int diagnose_run(const struct config *config, enum cli_format format)
{
    struct diagnose diagnose = {.config = config};
    int status = EXIT_FAILED;
    struct err err;

    /* A limit that is not known makes one sentence shorter: no reason to complain. */
    diagnose.state = state_new(config->state_dir, &err);
    diagnose.diagnoses = mem_alloc(config->database_count * sizeof(struct diagnosis *));
    uv_loop_init(&diagnose.loop);
    if (way_in_open(&diagnose.cloud, &diagnose.loop, config, on_way_in, &diagnose, &err)) {
        loop_run(&diagnose.loop);
        status = print_and_free(&diagnose, format);
        pools_look_done(&diagnose.pools);
    } else {
        log_error("%s", err.message);
    }
    state_free(diagnose.state);
    free(diagnose.diagnoses);
    loop_end(&diagnose.loop, status);
    return status;
}
