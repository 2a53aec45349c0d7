/*
 * What keys must be to one another, once each is read: inside of config_load() only.
 */
#pragma once

#include "agent/config.h"
#include "agent/config_keys.h"
#include "agent/config_read.h"

/* Sections that may hold a value, strongest first. */
struct chain {
    const struct written_section *sections[6];
    size_t count;
};

struct loader {
    struct config *config;
    struct written written;
    struct complaints complaints;
    bool is_whole; /* the file, if there is one, was read to its end */
};

void chain_add(struct chain *chain, const struct written_section *section); /* NULL adds nothing */
struct setting *chain_find(const struct chain *chain, const struct config_key *key); /* or NULL */

/* "agent.conf:12: [agent] sample_interval: "0s" <reason>", once a setting. */
void complain_of_setting(struct complaints *complaints, const struct chain *chain,
                         struct setting *setting, const char *format, ...) PW_PRINTF(4, 5);

void config_check_agent(struct loader *loader, const struct chain *chain);
void config_check_database(struct loader *loader, const struct chain *chain,
                           struct config_database *database);
void config_check_pool(struct loader *loader, const struct chain *chain, struct config_pool *pool);
/* config_pool.c: that the keys are those of its type, and that nothing is counted twice. */
void config_check_pool_type(struct loader *loader, const struct chain *chain,
                            const struct config_pool *pool);
bool config_pool_is_shared(const struct config_pool *pool);
bool config_pool_has_key(enum pool_type type, const char *key);

void config_check_whole(struct loader *loader);
