/*
 * Brings the alarms of all databases of one region to what is wanted: compares first
 * (DescribeAlarms), asks for the tags of those that exist, then writes only what differs, at most
 * two a second. What is not ours is left alone.
 *
 *     struct provision *provision = provision_new(&options);
 *     provision_set_limit(provision, database, 47);
 *     provision_run(provision, NULL);             on_line for each alarm, then on_done
 *     provision_stop(provision, on_closed, self); before client and config are freed
 *
 * One run at a time; databases that are asked for while one is under way follow in the next. One
 * failure does not stop the others. In the background (not one_shot) a run that failed is tried
 * again, after a minute first and a quarter of an hour at most; a failure is told once, not again
 * by the attempts that follow.
 *
 * An alarm that needs a limit which is not known is left for later in the background
 * (provision_set_limit(), provision_run()), and a failure in a one_shot run.
 *
 * Configured tags are brought to alarms that exist, too; those that a person added stay.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "agent/config.h"
#include "aws/request.h"

enum provision_action {
    PROVISION_CREATED,  /* +  */
    PROVISION_CHANGED,  /* ~  */
    PROVISION_IN_PLACE, /* =  */
    PROVISION_NOT_OURS, /* !  */
    PROVISION_FAILED,   /* x  */
    PROVISION_REMOVED,  /* -  */
    PROVISION_ABSENT    /* there is nothing to be removed: no line */
};

/* One line of the outcome; strings valid during the call. */
struct provision_line {
    enum provision_action action;
    const char *alarm;
    const char *database; /* the configuration's name */
    const char *detail; /* "threshold: 37.6 → 77.6", a note, or the error; "" when there is none */
    const json_t *changes; /* field by field, see alarm_diff.h; may be empty */
};

struct provision_summary {
    size_t created, changed, in_place, not_ours, failed;
    size_t removed, absent; /* of alarms that were to go (remove.h) */
    size_t waiting; /* in the background: for the server's limit, which comes with a sample */
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
    /*
     * A run is over. err: it could not even compare; or, in the background, alarms failed because
     * the role may not write them, which is one reason for all of them and has no lines. Then it is
     * tried again, unless one_shot. May stop the provision; on_line may not.
     */
    void (*on_done)(void *arg, const struct provision_summary *summary, const struct err *err);
    void *arg;
    bool one_shot;
    uint64_t put_gap_ms; /* between two writes; 0: as the account's quota allows */
};

struct provision *provision_new(const struct provision_options *options);

/* It has been found only now, and is this one: its databases are provisioned here, too. */
void provision_set_default_region(struct provision *provision, const char *region);

/* A database's usable limit as read from the server; the next run uses it. 0 is "not known". */
void provision_set_limit(struct provision *provision, const struct config_database *database,
                         double usable);

/* The instance that answers, as Aurora itself says: its AWS/RDS metrics are looked at. Returns true
 * when alarms depend on it and it is news. */
bool provision_set_instance(struct provision *provision, const struct config_database *database,
                            const char *instance);

/* Begins a run of this database's alarms; NULL: of all. Not before this call returned. */
void provision_run(struct provision *provision, const struct config_database *database);

/* While the old config is still there. Limits of databases whose server is the same are kept; a run
 * that is under way begins anew. */
void provision_reconfigure(struct provision *provision, const struct config *config);

/* Frees it; one `closed`, later. What is under way is not told any more. */
typedef void provision_closed(void *arg);
void provision_stop(struct provision *provision, provision_closed *closed, void *arg);

/* "+ rds-high-connections-orders  (detail)" as --setup-alarms prints it. */
void provision_format_line(const struct provision_line *line, struct buf *out);

void provision_count(struct provision_summary *summary, enum provision_action action);

/* Is something written for it, or would be? */
bool provision_is_change(enum provision_action action);

/* "create", "change", "none", "foreign", "fail", "delete": as its document for programs says. */
const char *provision_action_word(enum provision_action action);

/* --- inside, for tests ------------------------------------------------------------------------ */

/* Before the next attempt after so many failed runs (1 for the first). random: 0 <= random < 1. */
uint64_t provision_backoff_ms(int failures, double random);
