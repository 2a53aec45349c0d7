/*
 * poolwarden: samples PostgreSQL and connection pools, publishes to CloudWatch, provisions the
 * alarms. This file is the list of what the program can do.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "agent/check.h"
#include "agent/cli.h"
#include "agent/config.h"
#include "agent/diagnose/diagnose.h"
#include "agent/diagnose/terminate.h"
#include "agent/footprint.h"
#include "agent/health.h"
#include "agent/log.h"
#include "agent/once.h"
#include "agent/print.h"
#include "agent/setup.h"
#include "agent/setup_dashboard.h"
#include "agent/version.h"
#include "agent/watch/watch.h"

static int print_and_free(struct buf *text)
{
    fputs(buf_text(text), stdout);
    buf_done(text);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int help(void)
{
    struct buf text;

    buf_init(&text, 65536);
    cli_help(&text);
    return print_and_free(&text);
}

static int version(const struct cli *cli)
{
    struct buf text;

    buf_init(&text, 4096);
    if (cli->format == FORMAT_JSON) {
        version_json(&text);
    } else {
        version_text(&text);
    }
    return print_and_free(&text);
}

static int check(const struct config *config, const struct cli *cli)
{
    struct buf text;

    buf_init(&text, 16u << 20);
    check_print(config, cli->format, &text);
    return print_and_free(&text);
}

static bool load(const struct cli *cli, struct config **config)
{
    const struct config_source source = {.file = cli->config_file};
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    bool ok = config_load(&source, config, &errors);
    if (!ok) {
        fputs(buf_text(&errors), stderr);
    }
    buf_done(&errors);
    return ok;
}

static int run(const struct cli *cli)
{
    struct config *config;
    int status;

    if (!load(cli, &config)) {
        return EXIT_USAGE;
    }
    log_setup(cli->log_level, config->log_format);
    for (size_t i = 0; i < config->warnings.count; i++) {
        log_warn("%s", config->warnings.items[i]);
    }
    if (cli->mode == MODE_RUN) {
        return agent_run(config, cli);
    }
    if (cli->mode == MODE_ONCE) {
        status = once_run(config, cli->format);
    } else if (cli->mode == MODE_SETUP_ALARMS || cli->mode == MODE_REMOVE_ALARMS) {
        status = setup_run(config, cli);
    } else if (cli->mode == MODE_PRINT) {
        status = print_run(config, cli->print);
    } else if (cli->mode == MODE_SETUP_DASHBOARD) {
        status = setup_dashboard_run(config, cli);
    } else if (cli->mode == MODE_DIAGNOSE && cli->terminate_idle_ms > 0) {
        status = terminate_run(config, cli);
    } else if (cli->mode == MODE_DIAGNOSE) {
        status = diagnose_run(config, cli->format);
    } else if (cli->mode == MODE_WATCH) {
        status = watch_run(config, cli->format);
    } else if (cli->mode == MODE_HEALTH) {
        status = health_run(config, cli->format);
    } else {
        status = check(config, cli);
    }
    config_free(config);
    return status;
}

/* Passwords and keys are in this memory, and nobody but root needs to look at it. */
static void keep_secret(void)
{
    const struct rlimit none = {0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct err err;

    keep_secret();
    footprint_limit();
    signal(SIGPIPE, SIG_IGN);
    if (!cli_parse(argc, argv, &cli, &err)) {
        fprintf(stderr, "poolwarden: %s\n", err.message);
        return EXIT_USAGE;
    }
    if (cli.mode == MODE_HELP) {
        return help();
    }
    if (cli.mode == MODE_VERSION) {
        return version(&cli);
    }
    if (cli.mode == MODE_RUN) {
        footprint_limit_for_long(argv);
    }
    return run(&cli);
}
