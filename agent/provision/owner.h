/*
 * Whose an alarm is, as its tags tell. Pure.
 *
 *     managed-by = poolwarden
 *     poolwarden = scope=3f2a91c04d actions=5be0c1d2a7+91f3aa0c55
 *
 * The scope is a short hash of namespace and configured dimensions: it tells staging's alarm of an
 * AWS metric, which has neither, from production's. The actions are short hashes of those that the
 * configuration set, so that one that is taken out of it can be taken back, and one that a person
 * added is known to be a person's. Alarms of earlier versions have the first tag only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "aws/cloudwatch.h"

#define OWNER_TAG_KEY   "managed-by"
#define OWNER_TAG_VALUE "poolwarden"
#define OWNER_MARK_KEY  "poolwarden"
#define OWNER_MARK_MAX  257 /* a tag's value, with its NUL */
#define OWNER_TAGS_MAX  50  /* of a resource */

enum owner_scope { OWNER_SCOPE_UNKNOWN, OWNER_SCOPE_SAME, OWNER_SCOPE_OTHER };

struct owner {
    bool managed; /* has the first tag */
    enum owner_scope scope;
    char mark[OWNER_MARK_MAX]; /* the second tag's value; "" when there is none */
};

void owner_read(const struct config *config, const struct cloudwatch_tag *tags, size_t count,
                struct owner *out);

/* Did we set this action of this list ("actions", "ok_actions", "insufficient_data_actions")? */
bool owner_set(const struct owner *owner, const char *list, const char *action);

/*
 * The second tag's value for the actions that `alarm` has; also: the mark of those set before, to
 * be kept beside them, or NULL.
 */
void owner_mark(const struct config *config, const struct cloudwatch_alarm *alarm, const char *also,
                char out[OWNER_MARK_MAX]);

/* All tags of an alarm: ours, and the configured ones, which are borrowed. Returns how many. */
size_t owner_tags(const struct config_database *database, const char *mark,
                  struct cloudwatch_tag out[OWNER_TAGS_MAX]);
