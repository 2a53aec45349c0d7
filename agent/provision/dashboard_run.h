/*
 * Brings dashboards to what is wanted: reads each one first (GetDashboard), writes only what
 * differs, one call at a time. One that does not say that it was made here is left alone, unless
 * adopted. Further ones of ours that are needed no longer, because there are fewer databases now,
 * are deleted, up to the first number that is not there.
 *
 *     struct dashboard_run *run = dashboard_run_new(&options, &dashboards);     -> on_line, on_done
 *     dashboard_run_stop(run, on_closed, self);
 */
#pragma once

#include "agent/provision/dashboard.h"
#include "agent/provision/provision.h"

struct dashboard_run_options {
    uv_loop_t *loop;
    struct aws_client *client; /* borrowed */
    bool dry_run;
    bool adopt;
    /* The name of one of several; the caller's. */
    char *(*name_of)(void *arg, size_t number);
    /* `alarm` is the dashboard's name; `database` is "". */
    void (*on_line)(void *arg, const struct provision_line *line);
    /* What CloudWatch did not like of a dashboard that it took all the same. */
    void (*on_warning)(void *arg, const char *name, const char *message);
    void (*on_done)(void *arg); /* may stop the run */
    void *arg;
};

struct dashboard_run;

/* Takes the dashboards. */
struct dashboard_run *dashboard_run_new(const struct dashboard_run_options *options,
                                        struct dashboards *dashboards);

/* Frees it; one `closed`, later. */
void dashboard_run_stop(struct dashboard_run *run, provision_closed *closed, void *arg);
