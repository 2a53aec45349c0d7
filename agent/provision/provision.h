/*
 * Brings the alarms of all databases of one region to what is wanted: compares first (DescribeAlarms), asks for the tags of those that exist, then
 * writes only what differs, at most two a second. What is not ours is left alone.
 *
 * One run at a time; a run that is asked for while one is under way follows it. One failure does not stop the others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "agent/config.h"
#include "aws/request.h"

enum provision_action {
    PROVISION_CREATED,   /* +  */
    PROVISION_CHANGED,   /* ~  */
    PROVISION_IN_PLACE,  /* =  */
    PROVISION_NOT_OURS,  /* !  */
    PROVISION_FAILED     /* x  */
};

/* One line of the outcome; strings valid during the call. */
struct provision_line {
    enum provision_action action;
    const char *alarm;
    const char *database; /* the configuration's name */
    const char *detail;   /* "threshold: 37.6 -> 77.6", a note, or the error; "" when there is none */
};

struct provision_summary {
    size_t created, changed, in_place, not_ours, failed;
};

struct provision;

struct provision_options {
    uv_loop_t *loop;
    struct aws_client *client;   /* borrowed */
    const struct config *config; /* borrowed */
    const char *region;          /* only databases that live here ... */
    const char *default_region;  /* ... where a database without a region of its own lives here */
    bool dry_run;                /* writes nothing; CREATED and CHANGED mean "would be" */
    void (*on_line)(void *arg, const struct provision_line *line);
    /* A run is over. err: it could not even compare (then it is tried again, with backoff, unless one_shot). */
    void (*on_done)(void *arg, const struct provision_summary *summary, const struct err *err);
    void *arg;
    bool one_shot;
};

struct provision *provision_new(const struct provision_options *options);

/* A database's usable limit as read from the server; the next run uses it. 0 is "not known". */
void provision_set_limit(struct provision *provision, const struct config_database *database,
                         double usable);

/* Begins a run of these databases' alarms; NULL: of all. Not before this call returned. */
void provision_run(struct provision *provision, const struct config_database *database);

void provision_reconfigure(struct provision *provision, const struct config *config);

typedef void provision_closed(void *arg);
void provision_stop(struct provision *provision, provision_closed *closed, void *arg);

/* "+ rds-high-connections-orders  (detail)" as --setup-alarms prints it. */
void provision_format_line(const struct provision_line *line, struct buf *out);
