#include "agent/provision/item.h"

#include <stdlib.h>
#include <string.h>

#include "agent/provision/alarm_diff.h"
#include "aws/common/mem.h"

/* --- Life ------------------------------------------------------------------------------------- */

static void begin(struct item *item, const struct alarm_context *context, enum alarm_kind kind)
{
    *item = (struct item){.config = context->config,
                          .database = context->database,
                          .label = mem_strdup(context->database->name),
                          .is_aws = alarm_is_aws(kind),
                          .note = "",
                          .changes = json_array()};
}

bool item_init(struct item *item, const struct alarm_context *context, enum alarm_kind kind,
               struct err *err)
{
    struct cloudwatch_alarm wanted;
    bool ok = alarm_wanted(context, kind, &wanted, err);

    if (!ok && err->code == ERR_ABSENT) {
        *item = (struct item){0};
        return false;
    }
    begin(item, context, kind);
    item->note = alarm_note(context, kind);
    if (!ok) {
        item->wanted.name = alarm_name(context, kind);
        item->problem = mem_strdup(err->message);
        return false;
    }
    item->wanted = wanted;
    owner_mark(item->config, &item->wanted, NULL, item->mark);
    alarm_diff(&item->wanted, NULL, item->changes);
    return true;
}

void item_init_removal(struct item *item, const struct alarm_context *context, enum alarm_kind kind)
{
    struct alarm_context any = *context;
    struct err err;

    any.instance = context->database->identifier; /* of AWS's metrics only the names are compared */
    begin(item, &any, kind);
    item->removal = true;
    if (!alarm_watched(&any, kind, &item->wanted, &err)) {
        item->wanted.name = alarm_name(&any, kind);
        item->problem = mem_strdup(err.message);
    }
}

void item_init_orphan(struct item *item, const struct config *config, const char *label,
                      const struct cloudwatch_alarm *alarm, bool is_aws)
{
    *item = (struct item){.config = config,
                          .label = mem_strdup(label),
                          .removal = true,
                          .is_aws = is_aws,
                          .note = "",
                          .changes = json_array()};
    cloudwatch_alarm_copy(alarm, &item->wanted);
}

void item_done(struct item *item)
{
    cloudwatch_alarm_done(&item->wanted);
    cloudwatch_alarm_done(&item->existing);
    json_decref(item->changes);
    free(item->label);
    free(item->problem);
}

/* --- What there is ---------------------------------------------------------------------------- */

static bool exists(const struct item *item)
{
    return item->existing.name != NULL;
}

void item_found(struct item *item, const struct cloudwatch_alarm *existing)
{
    cloudwatch_alarm_done(&item->existing);
    cloudwatch_alarm_copy(existing, &item->existing);
}

static bool is_orphan(const struct item *item)
{
    return !item->database;
}

/*
 * An alarm of ours watches what ours would watch, whatever its tags say. Of AWS's own metrics that
 * says nothing of staging and production: the scope does. It also vouches for an alarm whose
 * instance has changed behind a cluster's endpoint.
 */
static bool is_ours(const struct item *item)
{
    const struct owner *owner = &item->owner;

    if (!owner->managed) {
        return false;
    }
    if (is_orphan(item) && item->is_aws) {
        return owner->scope == OWNER_SCOPE_SAME;
    }
    if (alarm_same_metric(&item->wanted, &item->existing)) {
        return owner->scope != OWNER_SCOPE_OTHER;
    }
    return item->is_aws && owner->scope == OWNER_SCOPE_SAME &&
           alarm_like_metric(&item->wanted, &item->existing);
}

static const char *tag_named(const struct cloudwatch_tag *tags, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i].key, key) == 0) {
            return tags[i].value;
        }
    }
    return NULL;
}

/* What says that it is ours is not shown: "taken over" does. The mark is only where nothing else
 * is: it follows from the actions. */
static void compare_tags(struct item *item, const struct cloudwatch_tag *tags, size_t count)
{
    struct cloudwatch_tag wanted[OWNER_TAGS_MAX];
    size_t wanted_count = owner_tags(item->database, item->mark, wanted);
    bool mark_differs = strcmp(item->owner.mark, item->mark) != 0;

    for (size_t i = 0; i < wanted_count; i++) {
        const char *old = tag_named(tags, count, wanted[i].key);
        bool is_own =
            strcmp(wanted[i].key, OWNER_MARK_KEY) == 0 || strcmp(wanted[i].key, OWNER_TAG_KEY) == 0;

        if (!is_own && (!old || strcmp(old, wanted[i].value) != 0)) {
            char *field = mem_printf("tag.%s", wanted[i].key);

            alarm_diff_add(item->changes, field, old, wanted[i].value);
            item->tags_differ = true;
            free(field);
        }
    }
    if (mark_differs && item->ours && json_array_size(item->changes) == 0) {
        alarm_diff_add(item->changes, "tag." OWNER_MARK_KEY,
                       item->owner.mark[0] != '\0' ? item->owner.mark : NULL, item->mark);
    }
    item->tags_differ = item->tags_differ || mark_differs || !item->owner.managed;
}

void item_judge(struct item *item, const struct cloudwatch_tag *tags, size_t count)
{
    item->asked = true;
    owner_read(item->config, tags, count, &item->owner);
    item->ours = is_ours(item);
    json_array_clear(item->changes);
    if (item->removal) {
        return;
    }
    if (!item->ours) {
        item->owner.mark[0] = '\0'; /* whoever wrote it, it was not for this configuration */
    }
    owner_mark(item->config, &item->wanted, item->owner.mark, item->both);
    alarm_diff_merge(&item->wanted, &item->existing, &item->owner);
    alarm_diff(&item->wanted, &item->existing, item->changes);
    item->alarm_differs = json_array_size(item->changes) > 0;
    compare_tags(item, tags, count);
}

/* --- What to do ------------------------------------------------------------------------------- */

static bool is_foreign(const struct item *item)
{
    return exists(item) && !item->ours;
}

static bool is_adopted(const struct item *item)
{
    return is_foreign(item) && item->database && item->database->alarms.adopt && !item->removal;
}

static bool needs_mark(const struct item *item)
{
    return !item->marked && strcmp(item->both, item->owner.mark) != 0;
}

static enum item_step next_of_existing(const struct item *item)
{
    if (item->alarm_differs && !item->written) {
        return needs_mark(item) ? ITEM_MARK : ITEM_WRITE;
    }
    return item->tags_differ && !item->tagged ? ITEM_TAG : ITEM_END;
}

enum item_step item_next(const struct item *item, bool dry_run)
{
    if (item->problem) {
        return ITEM_END;
    }
    if (exists(item) && !item->asked) {
        return ITEM_ASK;
    }
    if (dry_run || (is_foreign(item) && !is_adopted(item))) {
        return ITEM_END;
    }
    if (item->removal) {
        return exists(item) && !item->deleted ? ITEM_DELETE : ITEM_END;
    }
    if (!exists(item)) {
        return item->written ? ITEM_END : ITEM_WRITE;
    }
    return next_of_existing(item);
}

void item_did(struct item *item, enum item_step step)
{
    switch (step) {
    case ITEM_MARK:
        item->marked = true;
        item->tagged = strcmp(item->both, item->mark) == 0;
        break;
    case ITEM_WRITE:
        item->written = true;
        break;
    case ITEM_TAG:
        item->tagged = true;
        break;
    case ITEM_DELETE:
        item->deleted = true;
        break;
    case ITEM_ASK:
    case ITEM_END:
        break;
    }
}

size_t item_tags(const struct item *item, enum item_step step,
                 struct cloudwatch_tag out[OWNER_TAGS_MAX])
{
    return owner_tags(item->database, step == ITEM_MARK ? item->both : item->mark, out);
}

/* --- What to say ------------------------------------------------------------------------------ */

enum provision_action item_outcome(const struct item *item)
{
    if (item->problem) {
        return PROVISION_FAILED;
    }
    if (is_orphan(item) && is_foreign(item)) {
        return PROVISION_ABSENT; /* nobody's business: it only looks like one of ours */
    }
    if (is_foreign(item)) {
        return is_adopted(item) ? PROVISION_CHANGED : PROVISION_NOT_OURS;
    }
    if (item->removal) {
        return exists(item) ? PROVISION_REMOVED : PROVISION_ABSENT;
    }
    if (!exists(item)) {
        return PROVISION_CREATED;
    }
    return json_array_size(item->changes) > 0 ? PROVISION_CHANGED : PROVISION_IN_PLACE;
}

/* Parts with "; " between. "" is none. */
static void add_part(struct buf *out, size_t start, const char *part)
{
    if (part[0] != '\0') {
        buf_printf(out, "%s%s", out->len > start ? "; " : "", part);
    }
}

static void print_rule(const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out, "%s %s %.15g", alarm->metric,
               strncmp(alarm->comparison, "Less", strlen("Less")) == 0 ? "<" : ">",
               alarm->threshold);
}

static void print_foreign(const struct item *item, struct buf *out)
{
    if (!alarm_like_metric(&item->wanted, &item->existing) ||
        (!item->is_aws && !alarm_same_metric(&item->wanted, &item->existing))) {
        buf_puts(out, "it watches ");
        alarm_print_metric(&item->existing, out);
    } else if (!item->owner.managed) {
        buf_puts(out, "it has no tag " OWNER_TAG_KEY "=" OWNER_TAG_VALUE);
    } else {
        buf_puts(out, "its tag " OWNER_MARK_KEY " is that of another namespace or dimensions");
    }
    buf_puts(out, item->removal ? "; left alone" : "; left alone, adopt = yes takes it over");
}

void item_detail(const struct item *item, struct buf *out)
{
    size_t start = out->len;

    if (item->problem) {
        buf_puts(out, item->problem);
        return;
    }
    if (is_foreign(item) && !is_adopted(item)) {
        print_foreign(item, out);
        return;
    }
    if (item->removal) {
        return;
    }
    if (!exists(item)) {
        print_rule(&item->wanted, out);
    } else if (is_adopted(item)) {
        add_part(out, start, "taken over");
    }
    if (exists(item) && json_array_size(item->changes) > 0) {
        add_part(out, start, " ");
        buf_truncate(out, out->len - 1);
        alarm_diff_print(item->changes, out);
    }
    add_part(out, start, item->note);
}
