#include "agent/setup.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cloud.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/probe.h"
#include "agent/provision/provision.h"
#include "agent/provision/remove.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

/* One region's run. */
struct setup_region {
    struct setup *setup;
    const char *region;
    struct aws_client *client;
    struct provision *provision; /* or */
    struct remove *removal;
};

struct setup {
    const struct config *config;
    const struct cli *cli;
    uv_loop_t loop;
    struct cloud cloud;
    struct probe_outcome *outcomes; /* of the look at the databases */
    struct setup_region *regions;
    size_t region_count;
    size_t running;
    size_t pending; /* alarms that a dry run would write */
    json_t *lines;
    int status;
};

static void fail(struct setup *setup, int status, const struct err *err)
{
    log_error("%s", err->message);
    if (setup->status == EXIT_DONE) {
        setup->status = status;
    }
}

/* A percentage that could not be computed says why the server was not seen. */
static const struct probe_outcome *outcome_of(const struct setup *setup, const char *database)
{
    for (size_t i = 0; i < setup->config->database_count; i++) {
        if (strcmp(setup->outcomes[i].database->name, database) == 0) {
            return &setup->outcomes[i];
        }
    }
    return NULL;
}

static void on_line(void *arg, const struct provision_line *line)
{
    struct setup_region *region = arg;
    struct setup *setup = region->setup;

    setup->pending += provision_is_change(line->action) ? 1 : 0;
    if (line->action == PROVISION_FAILED) {
        setup->status = EXIT_FAILED;
    }
    if (setup->cli->format == FORMAT_JSON) {
        json_array_append_new(
            setup->lines, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "action",
                                    provision_action_word(line->action), "name", line->alarm,
                                    "database", line->database, "region", region->region, "detail",
                                    line->detail, "changes", json_deep_copy(line->changes)));
        return;
    }
    struct buf text;
    buf_init(&text, 4096);
    provision_format_line(line, &text);
    printf("%s\n", buf_text(&text));
    buf_done(&text);
}

static void on_closed(void *arg)
{
    struct setup_region *region = arg;
    struct setup *setup = region->setup;

    aws_client_free(region->client);
    if (--setup->running == 0) {
        cloud_done(&setup->cloud);
    }
}

static void on_done(void *arg, const struct provision_summary *summary, const struct err *err)
{
    struct setup_region *region = arg;

    (void)summary;
    if (err) {
        struct err told = *err;

        err_context(&told, "alarms in %s", region->region);
        fail(region->setup, EXIT_FAILED, &told);
    }
    if (region->provision) {
        provision_stop(region->provision, on_closed, region);
    } else {
        remove_stop(region->removal, on_closed, region);
    }
}

static void make_provision(struct setup_region *region)
{
    struct setup *setup = region->setup;
    const struct provision_options options = {
        .loop = &setup->loop,
        .client = region->client,
        .config = setup->config,
        .region = region->region,
        .default_region = setup->cloud.region,
        .dry_run = setup->cli->dry_run,
        .one_shot = true,
        .on_line = on_line,
        .on_done = on_done,
        .arg = region,
    };

    region->provision = provision_new(&options);
}

static void remove_alarms(struct setup_region *region)
{
    struct setup *setup = region->setup;
    const struct remove_options options = {
        .loop = &setup->loop,
        .client = region->client,
        .config = setup->config,
        .region = region->region,
        .default_region = setup->cloud.region,
        .prune = setup->cli->prune,
        .dry_run = setup->cli->dry_run,
        .on_line = on_line,
        .on_done = on_done,
        .arg = region,
    };

    region->removal = remove_new(&options);
}

static struct setup_region *add_region(struct setup *setup, const char *name)
{
    struct setup_region *region = &setup->regions[setup->region_count];
    struct err err;

    *region = (struct setup_region){.setup = setup, .region = name};
    if (!cloud_client(&setup->cloud, name, &region->client, &err)) {
        fail(setup, EXIT_USAGE, &err);
        return NULL;
    }
    if (setup->cli->mode == MODE_REMOVE_ALARMS) {
        remove_alarms(region);
    } else {
        make_provision(region);
    }
    setup->region_count++;
    return region;
}

static struct setup_region *region_named(struct setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->region_count; i++) {
        if (strcmp(setup->regions[i].region, name) == 0) {
            return &setup->regions[i];
        }
    }
    return add_region(setup, name);
}

/* Nothing is told before this has returned. */
static void begin_all(struct setup *setup)
{
    setup->running = setup->region_count;
    for (size_t i = 0; i < setup->region_count; i++) {
        if (setup->regions[i].provision) {
            provision_run(setup->regions[i].provision, NULL);
        }
    }
    if (setup->running == 0) {
        cloud_done(&setup->cloud);
    }
}

static void remove_all(struct setup *setup)
{
    for (size_t i = 0; i < setup->config->database_count; i++) {
        (void)region_named(setup, cloud_region_of(&setup->cloud, &setup->config->databases[i]));
    }
    begin_all(setup);
}

static void provision_all(struct setup *setup)
{
    for (size_t i = 0; i < setup->config->database_count; i++) {
        const struct config_database *database = &setup->config->databases[i];
        const struct probe_outcome *outcome = outcome_of(setup, database->name);
        struct setup_region *region = region_named(setup, cloud_region_of(&setup->cloud, database));

        if (region && outcome->usable > 0) {
            provision_set_limit(region->provision, database, outcome->usable);
        }
        if (region && outcome->instance[0] != '\0') {
            (void)provision_set_instance(region->provision, database, outcome->instance);
        }
    }
    begin_all(setup);
}

static void on_probed(void *arg, const struct probe_outcome *outcomes, size_t count)
{
    struct setup *setup = arg;

    setup->outcomes = mem_alloc(count * sizeof(*outcomes));
    memcpy(setup->outcomes, outcomes, count * sizeof(*outcomes));
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].err.code != ERR_NONE) {
            log_warn("database %s: not sampled, its limit is not known: %s",
                     outcomes[i].database->name, outcomes[i].err.message);
        }
    }
    provision_all(setup);
}

static void on_region(void *arg, const struct err *err)
{
    struct setup *setup = arg;

    if (err) {
        fail(setup, err->code == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED, err);
        cloud_done(&setup->cloud);
        return;
    }
    if (setup->cli->mode == MODE_REMOVE_ALARMS) {
        remove_all(setup);
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
        json_pack("{s:O, s:b}", "alarms", setup->lines, "dry_run", setup->cli->dry_run);

    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
}

int setup_run(const struct config *config, const struct cli *cli)
{
    struct setup setup = {.config = config, .cli = cli, .lines = json_array()};
    struct err err;

    uv_loop_init(&setup.loop);
    setup.regions = mem_alloc(config->database_count * sizeof(*setup.regions));
    if (cloud_init(&setup.cloud, &setup.loop, config, &err)) {
        cloud_find_region(&setup.cloud, false, on_region, &setup);
    } else {
        fail(&setup, EXIT_FAILED, &err);
    }
    loop_run(&setup.loop);
    if (cli->format == FORMAT_JSON) {
        print_json(&setup);
    }
    if (setup.status == EXIT_DONE && cli->dry_run && setup.pending > 0) {
        setup.status = EXIT_PENDING;
    }
    json_decref(setup.lines);
    free(setup.regions);
    free(setup.outcomes);
    loop_end(&setup.loop, setup.status);
    return setup.status;
}
