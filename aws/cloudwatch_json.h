/*
 * CloudWatch's documents: how requests are written and answers read. Pure; shared by the files of
 * aws/cloudwatch.h only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/cloudwatch.h"

/* The body of PutMetricData. */
void cloudwatch_write_body(const char *namespace_, const struct cloudwatch_entry *entries,
                           size_t count, struct buf *out);

/* Tags as the API wants them; NULL when a text is not UTF-8. The caller owns it. */
json_t *cloudwatch_tags_to_json(const struct cloudwatch_tag *tags, size_t count);

/* The body of PutMetricAlarm, or NULL when a text in it is not UTF-8. The caller frees it. */
char *cloudwatch_alarm_to_json(const struct cloudwatch_alarm *alarm,
                               const struct cloudwatch_tag *tags, size_t tag_count);

struct cloudwatch_alarms {
    struct cloudwatch_alarm *list;
    size_t count;
};

/*
 * Appends the alarms of one page of DescribeAlarms. ERR_PARSE: it is not such a page; what was read
 * before stays in the list.
 */
PW_CHECK bool cloudwatch_alarms_read(const json_t *page, struct cloudwatch_alarms *alarms,
                                     struct err *err);

/* Drops the alarms from number `count` on. */
void cloudwatch_alarms_truncate(struct cloudwatch_alarms *alarms, size_t count);
