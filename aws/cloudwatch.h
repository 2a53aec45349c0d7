/*
 * The CloudWatch calls that we make, typed. JSON 1.0, wire names as in AWS's service model
 * (monitoring, 2010-08-01).
 *
 * Each call is one aws_send(): same rules for `done` and cancelling (aws_cancel() on what it
 * returns). Calls that come in several pages have a handle and a cancel of their own; cancel those
 * before their client is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/common/buf.h"
#include "aws/request.h"

/* Limits of PutMetricData. */
#define CLOUDWATCH_DATUMS_MAX 1000
#define CLOUDWATCH_BODY_MAX   1000000 /* bytes; "1 MB", kept before gzip, so it holds after it */
#define CLOUDWATCH_VALUES_MAX 150     /* distinct values in a datum */

struct cloudwatch_dimension {
    const char *name;
    const char *value;
};

struct cloudwatch_datum {
    const char *metric;
    const char *unit; /* "Count", "Percent", "Seconds", "Milliseconds", "Bytes", "None" */
    const struct cloudwatch_dimension *dimensions;
    size_t dimension_count;
    const double *values; /* distinct; one that is not finite is left out */
    const double *counts; /* how often each was seen; the same length */
    size_t value_count;   /* 1..CLOUDWATCH_VALUES_MAX */
    int resolution_s;     /* 60, or 1 */
};

/*
 * Appends a datum's members but its timestamp, as JSON text without braces: what a queue keeps. The
 * timestamp travels beside it, because the clock's offset may be learnt only after a datum was
 * made. A single value of count 1 is written as Value. Numbers are written as a person would:
 * shortest form that reads back the same. Text is UTF-8.
 */
void cloudwatch_encode_datum(const struct cloudwatch_datum *datum, struct buf *out);

/* A queued datum. */
struct cloudwatch_entry {
    int64_t timestamp_s; /* already corrected by the clock's offset */
    const char *members; /* from cloudwatch_encode_datum() */
};

/* Bytes that an entry takes in a request body, the comma included. */
size_t cloudwatch_entry_size(const struct cloudwatch_entry *entry);

/* Bytes of a request body around its entries. */
size_t cloudwatch_put_overhead(const char *namespace_);

/*
 * PutMetricData, gzip from 10 KB; one attempt a call, because the queue behind it does the
 * retrying, and stamps anew when the answer has corrected the clock. The caller keeps the limits.
 */
struct aws_call *cloudwatch_put_metric_data(struct aws_client *client, const char *namespace_,
                                            const struct cloudwatch_entry *entries, size_t count,
                                            aws_done *done, void *arg);

/* An alarm on one metric; what DescribeAlarms answers and PutMetricAlarm takes. */
#define CLOUDWATCH_ACTIONS_MAX 5

/* All strings and dimensions are owned. NULL: absent. */
struct cloudwatch_alarm {
    char *name;
    char *arn; /* from DescribeAlarms; not sent */
    char *description;
    char *namespace_;
    char *metric;
    struct cloudwatch_dimension *dimensions;
    size_t dimension_count;
    char *statistic; /* NULL for an alarm that has none (metric math, percentiles, composite) */
    int period_s;
    int evaluation_periods;
    int datapoints; /* DatapointsToAlarm; absent = evaluation_periods */
    double threshold;
    char *comparison;
    char *missing_data;                          /* TreatMissingData; absent = "missing" */
    bool actions_enabled;                        /* absent = true */
    char *alarm_actions[CLOUDWATCH_ACTIONS_MAX]; /* up to the first NULL */
    char *ok_actions[CLOUDWATCH_ACTIONS_MAX];
    char *insufficient_data_actions[CLOUDWATCH_ACTIONS_MAX];
    char *state; /* from DescribeAlarms; not sent */
};

/* Frees what is inside and zeroes. */
void cloudwatch_alarm_done(struct cloudwatch_alarm *alarm);

/* out is filled anew. */
void cloudwatch_alarm_copy(const struct cloudwatch_alarm *alarm, struct cloudwatch_alarm *out);

struct cloudwatch_tag {
    const char *key;
    const char *value;
};

/* tags: at creation only; the service ignores them on an update. */
struct aws_call *cloudwatch_put_metric_alarm(struct aws_client *client,
                                             const struct cloudwatch_alarm *alarm,
                                             const struct cloudwatch_tag *tags, size_t tag_count,
                                             aws_done *done, void *arg);

/*
 * Alarms of these names, any number, all pages. Names that do not exist are missing from the
 * result; whatever has one of the names is in it, composite alarms too. alarms: valid during `done`
 * only. Exactly one `done`, later; none after the cancel.
 */
struct cloudwatch_describe;
typedef void cloudwatch_alarms_done(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                                    const struct err *err);
struct cloudwatch_describe *cloudwatch_describe_alarms(struct aws_client *client,
                                                       const char *const *names, size_t count,
                                                       cloudwatch_alarms_done *done, void *arg);

/* The same for all metric alarms of the region whose names begin so ("": all there are). */
struct cloudwatch_describe *cloudwatch_list_alarms(struct aws_client *client, const char *prefix,
                                                   cloudwatch_alarms_done *done, void *arg);
void cloudwatch_describe_cancel(struct cloudwatch_describe *describe);

/* At most 100 names. ERR_REJECTED with code ResourceNotFound: one is gone already, the others were
 * deleted. */
#define CLOUDWATCH_DELETE_MAX 100
struct aws_call *cloudwatch_delete_alarms(struct aws_client *client, const char *const *names,
                                          size_t count, aws_done *done, void *arg);

/* Tags of one resource; valid during `done` only. */
struct cloudwatch_tags_call;
typedef void cloudwatch_tags_done(void *arg, const struct cloudwatch_tag *tags, size_t count,
                                  const struct err *err);
struct cloudwatch_tags_call *cloudwatch_list_tags(struct aws_client *client, const char *arn,
                                                  cloudwatch_tags_done *done, void *arg);
void cloudwatch_tags_cancel(struct cloudwatch_tags_call *call);

struct aws_call *cloudwatch_tag_resource(struct aws_client *client, const char *arn,
                                         const struct cloudwatch_tag *tags, size_t tag_count,
                                         aws_done *done, void *arg);

/*
 * A dashboard's body: NULL when there is none of that name, JSON null when it is no JSON. Valid
 * during `done` only.
 */
struct cloudwatch_dashboard_call;
typedef void cloudwatch_dashboard_done(void *arg, const json_t *body, const struct err *err);
struct cloudwatch_dashboard_call *cloudwatch_get_dashboard(struct aws_client *client,
                                                           const char *name,
                                                           cloudwatch_dashboard_done *done,
                                                           void *arg);
void cloudwatch_dashboard_cancel(struct cloudwatch_dashboard_call *call);

/* The answer: {"DashboardValidationMessages": [{"DataPath", "Message"}]}, what the service did not
 * like but took. */
struct aws_call *cloudwatch_put_dashboard(struct aws_client *client, const char *name,
                                          const json_t *body, aws_done *done, void *arg);

struct aws_call *cloudwatch_delete_dashboard(struct aws_client *client, const char *name,
                                             aws_done *done, void *arg);
