/*
 * One alarm on its way through a run: what is wanted, what exists, what is to be done next. Pure.
 *
 *     item_init(&item, &context, kind, &err);
 *     item_found(&item, &existing);                 when there is one of that name
 *     while ((step = item_next(&item, dry_run)) != ITEM_END)
 *         make the call and tell: item_judge() the tags, or item_did(&item, step)
 *     item_outcome(&item), item_detail(&item, &text); item_done(&item);
 *
 * The order of calls is one that can be broken off anywhere and be begun anew: an action is marked
 * as ours before it is set, and stays marked until it is gone.
 */
#pragma once

#include <jansson.h>

#include "agent/provision/alarms.h"
#include "agent/provision/owner.h"
#include "agent/provision/provision.h"

struct item {
    const struct config *config;
    const struct config_database *database; /* NULL: one that is configured no longer */
    char *label;                            /* the database, for people */
    bool removal;                           /* to be deleted, not written */
    bool is_aws;                            /* about one of AWS's own metrics */
    struct cloudwatch_alarm wanted;
    char mark[OWNER_MARK_MAX]; /* of the actions that are configured */
    char both[OWNER_MARK_MAX]; /* of these and of those that were set before */
    char *problem;             /* why it can not even be said what is wanted; NULL: it can */
    const char *note;          /* static; "" when there is none */

    struct cloudwatch_alarm existing; /* name NULL: none */
    struct owner owner;               /* as its tags say */
    bool ours;
    json_t *changes; /* field by field; tags too */
    bool alarm_differs, tags_differ;
    bool asked, marked, written, tagged, deleted;
};

enum item_step {
    ITEM_ASK,    /* for its tags */
    ITEM_MARK,   /* TagResource: what is about to be set, beside what was */
    ITEM_WRITE,  /* PutMetricAlarm; with item_tags() when it does not exist */
    ITEM_TAG,    /* TagResource */
    ITEM_DELETE, /* DeleteAlarms */
    ITEM_END
};

/*
 * ERR_ABSENT: the alarm is off; nothing is there to be freed. ERR_CONFIG: it cannot be said what is
 * wanted; the item is good all the same, and ends as a failure.
 */
PW_CHECK bool item_init(struct item *item, const struct alarm_context *context,
                        enum alarm_kind kind, struct err *err);

/* One to be deleted, on or off. */
void item_init_removal(struct item *item, const struct alarm_context *context,
                       enum alarm_kind kind);

/* The same for an alarm that no configured database accounts for. */
void item_init_orphan(struct item *item, const struct config *config, const char *label,
                      const struct cloudwatch_alarm *alarm, bool is_aws);
void item_done(struct item *item);

void item_found(struct item *item, const struct cloudwatch_alarm *existing);
void item_judge(struct item *item, const struct cloudwatch_tag *tags, size_t count);
enum item_step item_next(const struct item *item, bool dry_run);
void item_did(struct item *item, enum item_step step);

/* What ITEM_MARK, ITEM_TAG and a first ITEM_WRITE send; borrowed. Returns how many. */
size_t item_tags(const struct item *item, enum item_step step,
                 struct cloudwatch_tag out[OWNER_TAGS_MAX]);

/* At the end. The detail is appended, and may be nothing. */
enum provision_action item_outcome(const struct item *item);
void item_detail(const struct item *item, struct buf *out);
