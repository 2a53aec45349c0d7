/* What the keys of a [pool NAME] must be to one another: those of its type, and each timeout
 * counted once. */
#include <stdlib.h>
#include <string.h>

#include "agent/config_check.h"
#include "agent/sample/log_rules.h"
#include "agent/sample/prom_text.h"
#include "aws/common/mem.h"
#include "aws/common/words.h"

/* --- the address ---------------------------------------------------------------------------- */

static bool is_postgres(const char *text)
{
    return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
}

/* With something behind it that can be asked. */
static bool is_http(const char *text)
{
    size_t prefix = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    return prefix > 0 && text[prefix] != '\0' && text[prefix] != '/';
}

static bool parse_url(const struct value_rule *rule, const char *text, void *field, struct err *err)
{
    struct pool_url *url = field;

    (void)rule;
    if (text[0] == '\0') {
        return true;
    }
    if (is_http(text)) {
        url->http = mem_strdup(text);
        return true;
    }
    if (!is_postgres(text)) {
        return err_set(err, ERR_CONFIG, "begins neither with postgresql:// nor with http://");
    }
    if (!conninfo_parse(text, &url->conninfo, err)) {
        return false;
    }
    if (!url->conninfo.dbname) {
        url->conninfo.dbname = mem_strdup("pgbouncer");
    }
    return true;
}

/* "http://user:password@host/": what stands before the host is hidden. */
static void print_http(const char *text, bool reveal, struct buf *out)
{
    const char *host = strstr(text, "://") + 3;
    const char *at = memchr(host, '@', strcspn(host, "/?"));

    if (reveal || !at) {
        buf_puts(out, text);
    } else {
        buf_add(out, text, (size_t)(host - text));
        buf_printf(out, "***%s", at);
    }
}

static void print_url(const struct value_rule *rule, const void *field, bool reveal,
                      struct buf *out)
{
    const struct pool_url *url = field;

    (void)rule;
    if (url->http) {
        print_http(url->http, reveal, out);
    } else {
        conninfo_print(&url->conninfo, reveal, out);
    }
}

static void accept_url(const struct value_rule *rule, struct buf *out)
{
    (void)rule;
    buf_puts(out, "postgresql://USER:PASSWORD@HOST:PORT/pgbouncer, http://HOST:PORT/PATH, "
                  "https://HOST/PATH, http://unix:/SOCKET:/PATH");
}

static void done_url(void *field)
{
    struct pool_url *url = field;

    conninfo_done(&url->conninfo);
    mem_free_secret(url->http);
    url->http = NULL;
}

const struct value_type value_pool_url = {parse_url, print_url, accept_url, done_url};

static bool is_own_host(const struct conninfo *info)
{
    const char *host = info->hostaddr ? info->hostaddr : info->host;

    return !host || host[0] == '/' || host[0] == '@' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool is_own_page(const char *host)
{
    static const char *const own[] = {"unix:", "127.", "localhost", "[::1]"};
    const char *at = memchr(host, '@', strcspn(host, "/?"));

    host = at ? at + 1 : host;
    for (size_t i = 0; i < MEM_COUNT(own); i++) {
        if (strncmp(host, own[i], strlen(own[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool config_pool_is_shared(const struct config_pool *pool)
{
    if (pool->scope != SCOPE_BY_ADDRESS) {
        return pool->scope == SCOPE_SHARED;
    }
    if (pool->url.http) {
        return !is_own_page(strstr(pool->url.http, "://") + 3);
    }
    return pool->url.conninfo.port && !is_own_host(&pool->url.conninfo);
}

/* --- keys ----------------------------------------------------------------------------------- */

/* Which keys a type has; beside type and database, which all have. */
static const struct {
    enum pool_type type;
    const char *key;
} keys_of_types[] = {
    {POOL_LOG, "path"},
    {POOL_LOG, "command"},
    {POOL_LOG, "match"},
    {POOL_LOG, "scope"},
    {POOL_PGBOUNCER, "url"},
    {POOL_PGBOUNCER, "log"},
    {POOL_PGBOUNCER, "databases"},
    {POOL_PGBOUNCER, "scope"},
    {POOL_PROMETHEUS, "url"},
    {POOL_PROMETHEUS, "scope"},
    {POOL_PROMETHEUS, "timeout_counter"},
    {POOL_PROMETHEUS, "waiting_gauge"},
    {POOL_PROMETHEUS, "max_wait_gauge"},
    {POOL_PROMETHEUS, "busy_gauge"},
    {POOL_PROMETHEUS, "idle_gauge"},
    {POOL_PROMETHEUS, "size_gauge"},
};

bool value_check_command(const char *text, struct err *err)
{
    struct words words;

    if (!words_split(text, &words, err)) {
        return false;
    }
    words_done(&words);
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

bool value_check_selector(const char *text, struct err *err)
{
    struct prom_sample selector;

    return prom_selector_parse(text, &selector) || err_set(err, ERR_CONFIG, "names no series");
}

static struct setting *setting_of(const struct chain *chain, const char *key)
{
    const char *nothing;

    return chain_find(chain, config_key_find(SECTION_POOL, key, &nothing));
}

bool config_pool_has_key(enum pool_type type, const char *key)
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
            !config_pool_has_key(pool->type, key->name)) {
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

static void check_pgbouncer(struct loader *loader, const struct chain *chain,
                            const struct config_pool *pool)
{
    if (!pool->url.conninfo.port && !pool->log && !setting_of(chain, "url") &&
        !setting_of(chain, "log")) {
        complain(&loader->complaints, pool->place,
                 "[pool %s]: url is missing, like postgresql://stats@127.0.0.1:6432/pgbouncer",
                 pool->name);
    } else if (pool->url.http) {
        complain_of_setting(&loader->complaints, chain, setting_of(chain, "url"),
                            "is no console of PgBouncer, like "
                            "postgresql://stats@127.0.0.1:6432/pgbouncer");
    }
}

static void check_prometheus(struct loader *loader, const struct chain *chain,
                             const struct config_pool *pool)
{
    if (!setting_of(chain, "url")) {
        complain(&loader->complaints, pool->place,
                 "[pool %s]: url is missing, like http://127.0.0.1:3000/metrics", pool->name);
    } else if (pool->url.conninfo.port) {
        complain_of_setting(&loader->complaints, chain, setting_of(chain, "url"),
                            "is no page of metrics, like http://127.0.0.1:3000/metrics");
    } else if (!pool->url.http && setting_of(chain, "url")->text) {
        complain_of_setting(&loader->complaints, chain, setting_of(chain, "url"), "is empty");
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* The file of PgBouncer's log, however it is given. */
static const char *pgbouncer_log_of(const struct config_pool *pool)
{
    bool by_path = pool->type == POOL_LOG && same_text(pool->match, "pgbouncer");

    return by_path ? pool->path : pool->log;
}

static bool same_url(const struct config_pool *a, const struct config_pool *b)
{
    const struct conninfo *x = &a->url.conninfo, *y = &b->url.conninfo;

    if (a->url.http && same_text(a->url.http, b->url.http)) {
        return same_text(a->timeout_counter, b->timeout_counter) ||
               (!a->timeout_counter && !b->timeout_counter);
    }
    return x->port && y->port && same_text(x->port, y->port) &&
           (same_text(x->host, y->host) || (!x->host && !y->host));
}

/* Two pools of one PgBouncer may have databases of their own. */
static bool same_databases(const struct config_pool *a, const struct config_pool *b)
{
    bool same = a->databases.count == b->databases.count;

    for (size_t i = 0; same && i < a->databases.count; i++) {
        same = strcmp(a->databases.items[i], b->databases.items[i]) == 0;
    }
    return same;
}

/* What two pools would both count; NULL: nothing. */
static const char *both_count(const struct config_pool *a, const struct config_pool *b)
{
    if (same_text(a->match, b->match)) {
        return same_text(a->path, b->path)         ? "path"
               : same_text(a->command, b->command) ? "command"
                                                   : NULL;
    }
    if (!same_databases(a, b)) {
        return NULL;
    }
    return same_text(pgbouncer_log_of(a), pgbouncer_log_of(b)) ? "log"
           : same_url(a, b)                                    ? "url"
                                                               : NULL;
}

static void check_twice(struct loader *loader, const struct config_pool *pool)
{
    for (const struct config_pool *other = loader->config->pools; other < pool; other++) {
        const char *what = both_count(other, pool);

        if (what) {
            complain(&loader->complaints, pool->place,
                     "[pool %s]: has the %s of [pool %s] (%s): each timeout would be counted twice",
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
    } else if (pool->type == POOL_PGBOUNCER) {
        check_pgbouncer(loader, chain, pool);
    } else if (pool->type == POOL_PROMETHEUS) {
        check_prometheus(loader, chain, pool);
    }
    check_twice(loader, pool);
}
