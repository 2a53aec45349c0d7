#include "agent/provision/owner.h"

#include <stdio.h>
#include <string.h>

#include "agent/provision/short_hash.h"

#define SCOPE   "scope="
#define ACTIONS "actions="

/* --- Hashes ----------------------------------------------------------------------------------- */

static void hash_scope(const struct config *config, char out[SHORT_HASH_TEXT])
{
    uint64_t hash = short_hash_add(SHORT_HASH_BEGIN, config->namespace_);

    for (size_t i = 0; i < config->dimensions.count; i++) {
        /* A sum, because dimensions have no order. */
        hash += short_hash_add(short_hash_add(SHORT_HASH_BEGIN, config->dimensions.items[i].name),
                               config->dimensions.items[i].value);
    }
    short_hash_print(hash, out);
}

static void hash_action(const char *list, const char *action, char out[SHORT_HASH_TEXT])
{
    short_hash_print(short_hash_add(short_hash_add(SHORT_HASH_BEGIN, list), action), out);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* What stands behind a word like "scope=" up to the next blank; NULL: the word is not there. */
static const char *part_of(const char *mark, const char *word, size_t *len)
{
    for (const char *at = mark; at; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, word, strlen(word)) == 0) {
            *len = strcspn(at + strlen(word), " ");
            return at + strlen(word);
        }
    }
    return NULL;
}

static enum owner_scope scope_of(const struct config *config, const char *mark)
{
    char own[SHORT_HASH_TEXT];
    size_t len;
    const char *told = part_of(mark, SCOPE, &len);

    if (!told) {
        return OWNER_SCOPE_UNKNOWN;
    }
    hash_scope(config, own);
    return len == strlen(own) && memcmp(told, own, len) == 0 ? OWNER_SCOPE_SAME : OWNER_SCOPE_OTHER;
}

void owner_read(const struct config *config, const struct cloudwatch_tag *tags, size_t count,
                struct owner *out)
{
    *out = (struct owner){0};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i].key, OWNER_TAG_KEY) == 0) {
            out->managed = strcmp(tags[i].value, OWNER_TAG_VALUE) == 0;
        } else if (strcmp(tags[i].key, OWNER_MARK_KEY) == 0) {
            (void)snprintf(out->mark, sizeof(out->mark), "%s", tags[i].value);
        }
    }
    out->scope = scope_of(config, out->mark);
}

static bool mark_has(const char *mark, const char *hash)
{
    size_t len = 0;
    const char *at = part_of(mark, ACTIONS, &len);

    for (const char *end = at ? at + len : NULL; at && at < end;) {
        size_t word = strcspn(at, "+ ");

        if (word == strlen(hash) && memcmp(at, hash, word) == 0) {
            return true;
        }
        at += word + 1;
    }
    return false;
}

bool owner_set(const struct owner *owner, const char *list, const char *action)
{
    char hash[SHORT_HASH_TEXT];

    hash_action(list, action, hash);
    return mark_has(owner->mark, hash);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Once each; what has no room, or is no hash, is left out. */
static void add_hash(char mark[OWNER_MARK_MAX], const char *hash, size_t hash_len)
{
    size_t len = strlen(mark);
    bool first = mark[len - 1] == '=';
    char word[SHORT_HASH_TEXT];

    if (hash_len + 1 != SHORT_HASH_TEXT || strspn(hash, "0123456789abcdef") < hash_len ||
        len + SHORT_HASH_TEXT >= OWNER_MARK_MAX) {
        return;
    }
    memcpy(word, hash, hash_len);
    word[hash_len] = '\0';
    if (!mark_has(mark, word)) {
        (void)snprintf(mark + len, OWNER_MARK_MAX - len, "%s%s", first ? "" : "+", word);
    }
}

static void add_list(char mark[OWNER_MARK_MAX], const char *list,
                     char *const actions[CLOUDWATCH_ACTIONS_MAX])
{
    char hash[SHORT_HASH_TEXT];

    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && actions[i]; i++) {
        hash_action(list, actions[i], hash);
        add_hash(mark, hash, strlen(hash));
    }
}

void owner_mark(const struct config *config, const struct cloudwatch_alarm *alarm, const char *also,
                char out[OWNER_MARK_MAX])
{
    char scope[SHORT_HASH_TEXT];
    size_t len = 0;

    hash_scope(config, scope);
    (void)snprintf(out, OWNER_MARK_MAX, SCOPE "%s " ACTIONS, scope);
    for (const char *at = also ? part_of(also, ACTIONS, &len) : NULL;
         at && *at != '\0' && *at != ' ';) {
        size_t word = strcspn(at, "+ ");

        add_hash(out, at, word);
        at += word + (at[word] == '+' ? 1 : 0);
    }
    add_list(out, "actions", alarm->alarm_actions);
    add_list(out, "ok_actions", alarm->ok_actions);
    add_list(out, "insufficient_data_actions", alarm->insufficient_data_actions);
    if (out[strlen(out) - 1] == '=') {
        out[strlen(out) - strlen(" " ACTIONS)] = '\0'; /* there are none */
    }
}

size_t owner_tags(const struct config_database *database, const char *mark,
                  struct cloudwatch_tag out[OWNER_TAGS_MAX])
{
    const struct config_pairs *configured = &database->alarms.tags;
    size_t count = 0;

    out[count++] = (struct cloudwatch_tag){OWNER_TAG_KEY, OWNER_TAG_VALUE};
    out[count++] = (struct cloudwatch_tag){OWNER_MARK_KEY, mark};
    for (size_t i = 0; i < configured->count && count < OWNER_TAGS_MAX; i++) {
        out[count++] =
            (struct cloudwatch_tag){configured->items[i].name, configured->items[i].value};
    }
    return count;
}
