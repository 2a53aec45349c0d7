#include "agent/provision/item.h"

#include <stdlib.h>
#include <string.h>

#include "agent/provision/alarm_diff.h"
#include "aws/common/mem.h"

#define DIFFERENCE_MAX 16384

bool item_init(struct item *item, const struct alarm_context *context, enum alarm_kind kind,
               struct err *err)
{
    *item = (struct item){.database = context->database,
                          .kind = kind,
                          .adopt = context->database->alarms.adopt,
                          .note = alarm_note(context, kind)};
    if (alarm_wanted(context, kind, &item->wanted, err)) {
        return true;
    }
    if (err->code != ERR_ABSENT) {
        item->wanted.name = alarm_name(context->database, kind);
        item->problem = mem_strdup(err->message);
    }
    return false;
}

void item_done(struct item *item)
{
    cloudwatch_alarm_done(&item->wanted);
    free(item->problem);
    free(item->arn);
    free(item->watches);
    free(item->difference);
}

void item_compare(struct item *item, const struct cloudwatch_alarm *existing)
{
    struct buf text;

    buf_init(&text, DIFFERENCE_MAX);
    if (!alarm_same_metric(&item->wanted, existing)) {
        alarm_print_metric(existing, &text);
        item->watches = mem_strdup(buf_text(&text));
        buf_clear(&text);
    }
    if (alarm_diff(&item->wanted, existing, &text)) {
        item->difference = mem_strdup(buf_text(&text));
    }
    buf_done(&text);
    alarm_diff_merge(&item->wanted, existing);
    item->arn = mem_strdup(existing->arn);
}

/* --- What to do ------------------------------------------------------------------------------- */

/* What watches something else is not ours, whatever its tags say. */
static bool is_foreign(const struct item *item)
{
    return item->arn && !item->ours;
}

enum item_step item_next(const struct item *item, bool dry_run)
{
    if (item->problem) {
        return ITEM_END;
    }
    if (item->arn && !item->watches && !item->asked) {
        return ITEM_ASK;
    }
    if (dry_run || (is_foreign(item) && !item->adopt)) {
        return ITEM_END;
    }
    if (!item->written && (!item->arn || item->difference)) {
        return ITEM_WRITE;
    }
    return is_foreign(item) && !item->tagged ? ITEM_TAG : ITEM_END;
}

/* --- What to say ------------------------------------------------------------------------------ */

enum provision_action item_outcome(const struct item *item)
{
    if (item->problem) {
        return PROVISION_FAILED;
    }
    if (!item->arn) {
        return PROVISION_CREATED;
    }
    if (is_foreign(item)) {
        return item->adopt ? PROVISION_CHANGED : PROVISION_NOT_OURS;
    }
    return item->difference ? PROVISION_CHANGED : PROVISION_IN_PLACE;
}

/* Parts with "; " between. "" and NULL are none. */
static void add_part(struct buf *out, size_t start, const char *part)
{
    if (part && part[0] != '\0') {
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
    if (item->watches) {
        buf_printf(out, "it watches %s", item->watches);
    } else {
        buf_puts(out, "it has no tag " ALARM_TAG_KEY "=" ALARM_TAG_VALUE);
    }
    buf_puts(out, "; left alone, adopt = yes takes it over");
}

void item_detail(const struct item *item, struct buf *out)
{
    size_t start = out->len;

    if (item->problem) {
        buf_puts(out, item->problem);
        return;
    }
    if (!item->arn) {
        print_rule(&item->wanted, out);
    } else if (is_foreign(item) && !item->adopt) {
        print_foreign(item, out);
        return;
    } else if (is_foreign(item)) {
        add_part(out, start, "taken over");
    }
    add_part(out, start, item->difference);
    add_part(out, start, item->note);
}
