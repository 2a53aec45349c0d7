/*
 * One alarm on its way through a run: what is wanted, what exists, what is to be done next. Pure.
 *
 *     item_init(&item, &context, kind, &err);
 *     item_compare(&item, &existing);          when there is one of that name
 *     while (item_next(&item, dry_run) is a call) make it and note it: asked and ours, written,
 * tagged item_outcome(&item), item_detail(&item, &text); item_done(&item);
 */
#pragma once

#include "agent/provision/alarms.h"
#include "agent/provision/provision.h"

struct item {
    const struct config_database *database;
    enum alarm_kind kind;
    bool adopt;
    struct cloudwatch_alarm wanted;
    char *problem;    /* why it can not even be said what is wanted; NULL: it can */
    const char *note; /* static; "" when there is none */
    char *arn;        /* of the one that exists; NULL: none */
    char *watches;    /* what that one watches, when it is something else; or NULL */
    char *difference; /* NULL: none */
    bool asked;       /* for its tags */
    bool ours;        /* as its tags say */
    bool written;
    bool tagged;
};

enum item_step {
    ITEM_ASK,   /* for its tags */
    ITEM_WRITE, /* PutMetricAlarm; with tags when there is no ARN */
    ITEM_TAG,   /* TagResource */
    ITEM_END
};

/*
 * ERR_ABSENT: the alarm is off; nothing is there to be freed. ERR_CONFIG: it cannot be said what is
 * wanted; the item is good all the same, and ends as a failure.
 */
PW_CHECK bool item_init(struct item *item, const struct alarm_context *context,
                        enum alarm_kind kind, struct err *err);
void item_done(struct item *item);

void item_compare(struct item *item, const struct cloudwatch_alarm *existing);
enum item_step item_next(const struct item *item, bool dry_run);

/* At the end. The detail is appended, and may be nothing. */
enum provision_action item_outcome(const struct item *item);
void item_detail(const struct item *item, struct buf *out);
