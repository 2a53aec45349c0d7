/* What the keys of a [pool NAME] must be to one another: those of its type, and each timeout
 * counted once. */
#include <stdlib.h>
#include <string.h>

#include "agent/config_check.h"
#include "agent/sample/command_line.h"
#include "agent/sample/log_rules.h"
#include "aws/common/mem.h"

/* Which keys a type has; beside type and database, which all have. */
static const struct {
    enum pool_type type;
    const char *key;
} keys_of_types[] = {
    {POOL_LOG, "path"},
    {POOL_LOG, "command"},
    {POOL_LOG, "match"},
};

bool value_check_command(const char *text, struct err *err)
{
    char **argv;

    if (!command_line_parse(text, &argv, err)) {
        return false;
    }
    free(argv);
    return true;
}

bool value_check_match(const char *text, struct err *err)
{
    struct log_rules *rules;

    if (!log_rules_new(text, &rules, err)) {
        return false;
    }
    log_rules_free(rules);
    return true;
}

static struct setting *setting_of(const struct chain *chain, const char *key)
{
    const char *nothing;

    return chain_find(chain, config_key_find(SECTION_POOL, key, &nothing));
}

static bool has_key(enum pool_type type, const char *key)
{
    bool listed = false;

    for (size_t i = 0; i < MEM_COUNT(keys_of_types); i++) {
        bool same = strcmp(keys_of_types[i].key, key) == 0;

        if (same && keys_of_types[i].type == type) {
            return true;
        }
        listed = listed || same;
    }
    return !listed;
}

/* A key without use is a mistake: somebody believes that it works. */
static void check_keys(struct loader *loader, const struct chain *chain,
                       const struct config_pool *pool)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct setting *setting =
            key->section == SECTION_POOL ? setting_of(chain, key->name) : NULL;

        if (setting && setting->text && strcmp(setting->text, key->default_text) != 0 &&
            !has_key(pool->type, key->name)) {
            complain_of_setting(&loader->complaints, chain, setting,
                                "is of no use to a pool of this type");
        }
    }
}

static void check_log(struct loader *loader, const struct chain *chain,
                      const struct config_pool *pool)
{
    if (!pool->path && !pool->command && !setting_of(chain, "path") &&
        !setting_of(chain, "command")) {
        complain(&loader->complaints, pool->place,
                 "[pool %s]: path is missing (or command): what is to be read?", pool->name);
    }
    if (pool->path && pool->command) {
        complain_of_setting(&loader->complaints, chain, setting_of(chain, "command"),
                            "stands beside path: a pool has one source of PoolTimeout");
    }
    if (!pool->match && !setting_of(chain, "match")) {
        complain(&loader->complaints, pool->place, "[pool %s]: match is missing; accepted: %s",
                 pool->name,
                 "pgbouncer, prisma, node-postgres, hikaricp, sqlalchemy, rails, "
                 "npgsql, supavisor, or a regular expression (PCRE2)");
    }
    /* journalctl -f begins with the last ten lines, at every start. */
    if (pool->command && strncmp(pool->command, "journalctl", 10) == 0 &&
        !strstr(pool->command, " -n") && !strstr(pool->command, "--lines")) {
        char *text = mem_printf("pool %s: journalctl tells its last ten lines again at each start: "
                                "add -n 0 to command",
                                pool->name);

        value_list_add(&loader->config->warnings, text);
        free(text);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void check_twice(struct loader *loader, const struct config_pool *pool)
{
    const struct config *config = loader->config;

    for (const struct config_pool *other = config->pools; other < pool; other++) {
        const char *what = same_text(other->path, pool->path)         ? "path"
                           : same_text(other->command, pool->command) ? "command"
                                                                      : NULL;

        if (what && same_text(other->match, pool->match)) {
            complain(&loader->complaints, pool->place,
                     "[pool %s]: has the %s and match of [pool %s] (%s): each timeout would be "
                     "counted twice",
                     pool->name, what, other->name, other->place);
        }
    }
}

void config_check_pool_type(struct loader *loader, const struct chain *chain,
                            const struct config_pool *pool)
{
    check_keys(loader, chain, pool);
    if (pool->type == POOL_LOG) {
        check_log(loader, chain, pool);
    }
    check_twice(loader, pool);
}
