/*
 * The table of configuration keys: one row says everything about one key. Reading, defaults,
 * environment overrides, --check-config and agent.conf.example all go by it; a new key is a new row
 * and a field.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config_value.h"
#include "aws/common/buf.h"

/* Sections in the order in which they are printed: id, name, stands once. */
#define SECTION_MAP(X)                                                                             \
    X(AGENT, "agent", true)                                                                        \
    X(CLOUDWATCH, "cloudwatch", true)                                                              \
    X(ALARMS, "alarms", true)                                                                      \
    X(DATABASE, "database", false)                                                                 \
    X(POOL, "pool", false)                                                                         \
    X(STATSD, "statsd", true)

enum config_section {
#define X(id, name, once) SECTION_##id,
    SECTION_MAP(X)
#undef X
        SECTION_COUNT
};

const char *config_section_name(enum config_section section);
bool config_section_once(enum config_section section);

/* What a row's offset counts from. */
enum config_target {
    IN_CONFIG,   /* struct config */
    IN_ALARMS,   /* struct config_alarms: of the config, and of each database */
    IN_DATABASE, /* struct config_database */
    IN_POOL,     /* struct config_pool */
    TARGET_COUNT
};

/* The order is that of the rows, for their reader.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct config_key {
    enum config_section section; /* IN_ALARMS rows are taken by [database] too */
    const char *name; /* ends in '.': any number of keys with a name of their own behind it */
    enum config_target target;
    size_t offset;
    const struct value_type *type;
    struct value_rule rule;
    const char *default_text; /* read by the same type */
    bool reloadable;
    const char *meaning; /* a sentence or two, for agent.conf.example */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* Is the row a key of this section? */
bool config_key_of(const struct config_key *key, enum config_section section);

/* NULL when the section has no such key; *name is what stands behind "dimension.", else NULL. */
const struct config_key *config_key_find(enum config_section section, const char *text,
                                         const char **name);

/* The same for what stands behind POOLWARDEN_<SECTION>_: "SAMPLE_INTERVAL",
 * "DIMENSION_Environment". */
const struct config_key *config_key_of_variable(enum config_section section, const char *text,
                                                const char **name);

/* The known key nearest to a mistyped one; NULL: nothing is near. */
const char *config_key_near(enum config_section section, const char *text);

/* Appends "sample_interval, publish_interval, ...". */
void config_key_list(enum config_section section, struct buf *out);
