#include "agent/setup_dashboard.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cloud.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/probe.h"
#include "agent/provision/alarms.h"
#include "agent/provision/dashboard_run.h"
#include "aws/cloudwatch.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

struct setup {
    const struct config *config;
    const struct cli *cli;
    uv_loop_t loop;
    struct cloud cloud;
    struct probe_outcome *outcomes;
    struct dashboard_database *databases; /* in the configuration's order */
    size_t asked;                         /* databases whose alarms are known */
    struct aws_client *client;            /* of the region that is asked, then of the default one */
    struct cloudwatch_describe *describe;
    struct dashboard_run *run;
    json_t *lines;
    size_t pending;
    int status;
};

static void finish(struct setup *setup)
{
    aws_client_free(setup->client);
    setup->client = NULL;
    cloud_done(&setup->cloud);
}

static void fail(struct setup *setup, int status, const struct err *err)
{
    log_error("%s", err->message);
    setup->status = status;
    finish(setup);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void print_line(const struct provision_line *line, const char *url)
{
    struct buf text;

    buf_init(&text, 8192);
    provision_format_line(line, &text);
    printf("%s\n", buf_text(&text));
    if (line->action != PROVISION_REMOVED) {
        printf("  %s\n", url);
    }
    buf_done(&text);
}

static void on_line(void *arg, const struct provision_line *line)
{
    struct setup *setup = arg;
    char *url = dashboard_url(setup->cloud.region, line->alarm);

    setup->pending += provision_is_change(line->action) ? 1 : 0;
    if (line->action == PROVISION_FAILED) {
        setup->status = EXIT_FAILED;
    }
    if (setup->cli->format == FORMAT_JSON) {
        json_array_append_new(setup->lines,
                              json_pack("{s:s, s:s, s:o, s:o, s:o}", "action",
                                        provision_action_word(line->action), "name", line->alarm,
                                        "url", json_text(url), "detail", json_text(line->detail),
                                        "changes", json_deep_copy(line->changes)));
    } else {
        print_line(line, url);
    }
    free(url);
}

static void on_warning(void *arg, const char *name, const char *message)
{
    (void)arg;
    log_warn("dashboard %s: CloudWatch took it and says: %s", name, message);
}

static char *name_of(void *arg, size_t number)
{
    const struct setup *setup = arg;

    return dashboard_name(setup->config, number);
}

static void on_closed(void *arg)
{
    finish(arg);
}

static void on_done(void *arg)
{
    struct setup *setup = arg;

    dashboard_run_stop(setup->run, on_closed, setup);
}

static void write_dashboards(struct setup *setup)
{
    struct dashboards dashboards;
    struct err err;

    aws_client_free(setup->client);
    setup->client = NULL;
    if (!cloud_client(&setup->cloud, setup->cloud.region, &setup->client, &err)) {
        fail(setup, EXIT_USAGE, &err);
        return;
    }
    const struct dashboard_run_options options = {.loop = &setup->loop,
                                                  .client = setup->client,
                                                  .dry_run = setup->cli->dry_run,
                                                  .adopt = setup->config->alarms.adopt,
                                                  .name_of = name_of,
                                                  .on_line = on_line,
                                                  .on_warning = on_warning,
                                                  .on_done = on_done,
                                                  .arg = setup};

    dashboards_make(setup->config, setup->databases, &dashboards);
    setup->run = dashboard_run_new(&options, &dashboards);
}

/* --- The alarms that exist -------------------------------------------------------------------- */

static void ask_region(struct setup *setup);

/* Every name an alarm of this database may have, on or off: what exists is shown. */
static void each_name(const struct setup *setup, size_t index,
                      void (*on_name)(void *arg, size_t index, char *name), void *arg)
{
    const struct config *config = setup->config;
    struct alarm_context context = {.config = config, .database = &config->databases[index]};

    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        if (alarm_row((enum alarm_kind)kind)->of != ALARM_OF_POOL) {
            on_name(arg, index, alarm_name(&context, (enum alarm_kind)kind));
            continue;
        }
        for (size_t i = 0; i < config->pool_count; i++) {
            context.pool = &config->pools[i];
            if (context.pool->of == context.database) {
                on_name(arg, index, alarm_name(&context, (enum alarm_kind)kind));
            }
        }
    }
}

struct names {
    const char **list;
    size_t count;
};

static void add_name(void *arg, size_t index, char *name)
{
    struct names *names = arg;

    (void)index;
    names->list = mem_grow(names->list, names->count + 1, sizeof(*names->list));
    names->list[names->count++] = name;
}

struct found {
    struct setup *setup;
    const struct cloudwatch_alarm *alarms;
    size_t count;
};

static void take_alarm(void *arg, size_t index, char *name)
{
    const struct found *found = arg;

    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->alarms[i].name, name) == 0) {
            json_array_append_new(found->setup->databases[index].alarms,
                                  json_text(found->alarms[i].arn));
        }
    }
    free(name);
}

static void each_of_region(struct setup *setup,
                           void (*on_name)(void *arg, size_t index, char *name), void *arg)
{
    const char *region = setup->databases[setup->asked].region;

    for (size_t i = setup->asked; i < setup->config->database_count; i++) {
        if (strcmp(setup->databases[i].region, region) == 0) {
            each_name(setup, i, on_name, arg);
        }
    }
}

static void on_alarms(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                      const struct err *err)
{
    struct setup *setup = arg;
    struct found found = {.setup = setup, .alarms = alarms, .count = count};

    setup->describe = NULL;
    if (err) {
        fail(setup, EXIT_FAILED, err);
        return;
    }
    each_of_region(setup, take_alarm, &found);
    setup->asked++;
    ask_region(setup);
}

/* Has the region of this database been asked because of one before it? */
static bool is_asked(const struct setup *setup, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(setup->databases[i].region, setup->databases[index].region) == 0) {
            return true;
        }
    }
    return false;
}

static void ask_region(struct setup *setup)
{
    struct names names = {0};
    struct err err;

    while (setup->asked < setup->config->database_count && is_asked(setup, setup->asked)) {
        setup->asked++;
    }
    if (setup->asked == setup->config->database_count) {
        write_dashboards(setup);
        return;
    }
    aws_client_free(setup->client);
    setup->client = NULL;
    if (!cloud_client(&setup->cloud, setup->databases[setup->asked].region, &setup->client, &err)) {
        fail(setup, EXIT_USAGE, &err);
        return;
    }
    each_of_region(setup, add_name, &names);
    setup->describe =
        cloudwatch_describe_alarms(setup->client, names.list, names.count, on_alarms, setup);
    for (size_t i = 0; i < names.count; i++) {
        free((void *)(uintptr_t)names.list[i]);
    }
    free(names.list);
}

/* --- The databases ---------------------------------------------------------------------------- */

static void on_probed(void *arg, const struct probe_outcome *outcomes, size_t count)
{
    struct setup *setup = arg;

    setup->outcomes = mem_alloc(count * sizeof(*outcomes));
    memcpy(setup->outcomes, outcomes, count * sizeof(*outcomes));
    for (size_t i = 0; i < count; i++) {
        const char *instance = setup->outcomes[i].instance;

        setup->databases[i] = (struct dashboard_database){
            .region = cloud_region_of(&setup->cloud, &setup->config->databases[i]),
            .instance = instance[0] != '\0' ? instance : NULL,
            .alarms = json_array()};
    }
    ask_region(setup);
}

static void on_region(void *arg, const struct err *err)
{
    struct setup *setup = arg;

    if (err) {
        fail(setup, err->code == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED, err);
        return;
    }
    const struct probe_options probe = {.loop = &setup->loop,
                                        .config = setup->config,
                                        .aws = &setup->cloud.access,
                                        .metrics = METRICS_CORE,
                                        .done = on_probed,
                                        .arg = setup};
    probe_start(&probe);
}

static void print_json(const struct setup *setup)
{
    json_t *document =
        json_pack("{s:O, s:b}", "dashboards", setup->lines, "dry_run", setup->cli->dry_run);

    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
}

int setup_dashboard_run(const struct config *config, const struct cli *cli)
{
    struct setup setup = {.config = config, .cli = cli, .lines = json_array()};
    struct err err;

    uv_loop_init(&setup.loop);
    setup.databases = mem_alloc(config->database_count * sizeof(*setup.databases));
    if (cloud_init(&setup.cloud, &setup.loop, config, &err)) {
        cloud_find_region(&setup.cloud, false, on_region, &setup);
    } else {
        log_error("%s", err.message);
        setup.status = EXIT_FAILED;
    }
    loop_run(&setup.loop);
    if (cli->format == FORMAT_JSON) {
        print_json(&setup);
    }
    if (setup.status == EXIT_DONE && cli->dry_run && setup.pending > 0) {
        setup.status = EXIT_PENDING;
    }
    for (size_t i = 0; i < config->database_count; i++) {
        json_decref(setup.databases[i].alarms);
    }
    json_decref(setup.lines);
    free(setup.databases);
    free(setup.outcomes);
    loop_end(&setup.loop, setup.status);
    return setup.status;
}
