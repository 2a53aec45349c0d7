/*
 * One region's way out: windows (and journal) -> spool -> publisher for its metrics, provision for
 * its alarms.
 *
 * An alarm sees only metrics of its own region; so all that belongs to a database goes to the
 * database's region. Most agents have one outlet.
 *
 * A former one is for a region or a namespace that the configuration names no more: what an earlier
 * run left in state_dir for it is sent there, and nothing else; then its directory goes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/cli.h"
#include "agent/cloud.h"
#include "agent/provision/provision.h"
#include "agent/publish/publisher.h"
#include "agent/sample/source.h"

struct outlet;

struct outlet_options {
    uv_loop_t *loop;
    const struct cloud *cloud;   /* borrowed */
    const struct config *config; /* borrowed */
    const char *region;          /* NULL: not known, or not yet: see outlet_set_region() */
    const char *agent_name;      /* the `Agent` dimension; borrowed */
    const char *state_dir;       /* what waits is kept there too; NULL: in memory only */
    const char *former;          /* see below; NULL: it is for the configuration's namespace */
    bool dry_run;
    void (*on_empty)(void *arg); /* CloudWatch has everything that was published so far */
    void *arg;
};

/* ERR_CONFIG: the region or the endpoint can not be used. */
PW_CHECK bool outlet_new(const struct outlet_options *options, struct outlet **out,
                         struct err *err);

/* What was put waits until the region is known. As outlet_new(). */
PW_CHECK bool outlet_set_region(struct outlet *outlet, const char *region, struct err *err);

/* All that has no region yet goes to one that has: open windows end here, as datums. */
void outlet_give(struct outlet *from, struct outlet *to);

/* Of this configuration; former ones are for no region. */
bool outlet_is_for(const struct outlet *outlet, const char *region);

bool outlet_goes_to(const struct outlet *outlet, const char *region, const char *namespace_);
bool outlet_is_former(const struct outlet *outlet);
bool outlet_is_drained(const struct outlet *outlet); /* a former one that has nothing left */
void outlet_revive(struct outlet *outlet);           /* the configuration names it again */

void outlet_reconfigure(struct outlet *outlet, const struct config *config);

void outlet_put(struct outlet *outlet, const struct reading *reading);

/* From since_ms to now_ms, which is now, the clock was too early by so much: what was put moves. */
void outlet_correct_clock(struct outlet *outlet, int64_t since_ms, int64_t now_ms,
                          int64_t correction_ms);

/* Windows that end at or before until_ms become datums and are sent. INT64_MAX: all of them, at
 * once. */
void outlet_publish(struct outlet *outlet, int64_t until_ms);

/* Compares the alarms of one database, or of all (NULL), and writes what differs; nothing with
 * provision = off. */
void outlet_provision(struct outlet *outlet, const struct config_database *database);
void outlet_set_limit(struct outlet *outlet, const struct config_database *database, double usable);

/* See provision_set_instance(). */
bool outlet_set_instance(struct outlet *outlet, const struct config_database *database,
                         const char *instance);

/* Datums that CloudWatch does not have yet. */
size_t outlet_backlog(const struct outlet *outlet);
bool outlet_is_durable(const struct outlet *outlet); /* they are on disk */

const char *outlet_trouble(const struct outlet *outlet); /* as publisher_trouble() says */
bool outlet_is_at_fault(const struct outlet *outlet);    /* as publisher_is_at_fault() says */
int64_t outlet_bytes(const struct outlet *outlet);
int64_t outlet_acknowledged_ms(const struct outlet *outlet); /* uv_hrtime() in ms; 0: not yet */

/* Frees it; one `closed`, later. */
typedef void outlet_closed(void *arg);
void outlet_stop(struct outlet *outlet, outlet_closed *closed, void *arg);
