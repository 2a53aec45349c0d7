/*
 * The dashboards that are wanted, from a configuration and the alarms that exist. Pure.
 *
 * One, when all databases fit: alarms on top, then each database's graphs. Else a summary first,
 * with every database in a few graphs and links, and further dashboards with some databases each.
 * Dashboards belong to an account, not to a region: each graph names its own.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "aws/common/buf.h"

#define DASHBOARD_DATABASES_MAX 20 /* in one; more are no view any more */

/* What is known of a database beside its configuration, in the configuration's order. */
struct dashboard_database {
    const char *region;   /* where it lives; never NULL */
    const char *instance; /* as Aurora says; NULL: not known, or no Aurora */
    json_t *alarms;       /* ARNs of its alarms that exist; borrowed */
};

struct dashboard {
    char *name;
    json_t *body;
};

struct dashboards {
    struct dashboard *list;
    size_t count;
};

void dashboards_make(const struct config *config, const struct dashboard_database *databases,
                     struct dashboards *out);
void dashboards_done(struct dashboards *dashboards);

/*
 * "poolwarden-Application", with the prefix of alarms before it and the values of configured
 * dimensions behind it; number > 0: one of several. Letters, digits, - and _ only. The caller's.
 */
char *dashboard_name(const struct config *config, size_t number);

/* Does a body say that it was made here? What does not is somebody's own. */
bool dashboard_is_ours(const json_t *body);

/* Equal as a person would say, whatever form a number came back in. */
bool dashboard_is_same(const json_t *a, const json_t *b);

/* "widgets: +2 -1 of 14" */
void dashboard_print_difference(const json_t *wanted, const json_t *existing, struct buf *out);

/* Where a person opens it. The caller's. */
char *dashboard_url(const char *region, const char *name);
