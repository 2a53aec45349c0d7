/*
 * The configuration as written: sections of settings from the file and from the environment, each
 * with its place, ${NAME} replaced, unknown names already complained of. What the texts mean is
 * config.c's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "agent/config_keys.h"

/* All mistakes, one line each. */
struct complaints {
    struct buf *out;
    size_t count; /* also of those that out had no room for */
};

void complain(struct complaints *complaints, const char *place, const char *format, ...)
    PW_PRINTF(3, 4);

struct setting {
    const struct config_key *key;
    char *name;    /* of a dimension or tag; else NULL */
    char *written; /* as it stands there, for messages */
    char *text;    /* with ${NAME} replaced; secret; NULL: complained of already */
    char *place;   /* "agent.conf:12", or the variable's name */
    bool told;     /* a mistake is told once, however many databases inherit it */
};

struct written_section {
    enum config_section kind;
    char *name; /* of a [database NAME] or [pool NAME]; else "" */
    char *place;
    bool from_environment;
    struct setting *settings;
    size_t count;
};

struct written {
    struct written_section *sections;
    size_t count;
    char *file;          /* what was read; NULL: none */
    char *database_name; /* POOLWARDEN_DATABASE_NAME, or NULL */
    char *const *environ;
    struct complaints *complaints;
};

void written_init(struct written *written, const struct config_source *source,
                  struct complaints *complaints);
void written_done(struct written *written); /* wipes */

/* Reads file and environment. */
void written_read(struct written *written, const struct config_source *source);

/* From the environment or from the file; NULL: there is none. */
struct written_section *written_find(const struct written *written, enum config_section kind,
                                     bool from_environment, const char *name);

/* Of one section; NULL: not given there. section may be NULL. */
struct setting *written_setting(const struct written_section *section,
                                const struct config_key *key);

/* Makes DATABASE_URL the url of the environment's database section, which is returned. */
struct written_section *written_add_url(struct written *written, const struct config_key *key,
                                        const char *url);

/* The value of an environment variable; NULL when unset or empty. */
const char *written_getenv(const struct written *written, const char *name);
