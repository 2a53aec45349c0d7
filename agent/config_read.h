/*
 * The configuration as written: sections of settings from the file and from the environment, each
 * with its place, ${NAME} replaced, unknown names already complained of. What the texts mean is
 * config.c's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "agent/config_complain.h"
#include "agent/config_keys.h"

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
    const char *const *environ;
    struct complaints *complaints;
    struct config_list *inserted; /* each ${NAME}'s name is added */
};

void written_init(struct written *written, const struct config_source *source,
                  struct complaints *complaints, struct config_list *inserted);
void written_done(struct written *written); /* wipes */

/* False: the file could not be read to its end, so what it lacks is not missed. */
bool written_read_file(struct written *written, const struct config_source *source);
void written_read_environment(struct written *written); /* POOLWARDEN_<SECTION>_<KEY> */

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

/* --- for the two readers -------------------------------------------------------------------- */

#define WRITTEN_SECTIONS_MAX 2000
#define WRITTEN_SETTINGS_MAX 200 /* of one section */

struct written_section *written_add_section(struct written *written, enum config_section kind,
                                            const char *name, const char *place,
                                            bool from_environment);

/* Its text is still to be set. */
struct setting *written_add_setting(struct written_section *section, const struct config_key *key,
                                    const char *name, const char *as_written, const char *place);

/* The same key (and, of a dimension or tag, name) in the section already; or NULL. */
struct setting *written_same(const struct written_section *section, const struct config_key *key,
                             const char *name);

/*
 * The word when it looks like a name, else "(not a name)": "postgresql://user:secret@host/db?a" may
 * be what stands before the first '='.
 */
const char *written_shown(const char *word);
