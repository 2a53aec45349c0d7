/* The configuration from the environment: POOLWARDEN_<SECTION>_<KEY>, and DATABASE_URL. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_read.h"
#include "aws/common/mem.h"

#define PREFIX     "POOLWARDEN_"
#define NAME_SHOWN 64

/* "AGENT_SAMPLE_INTERVAL": the section; *rest is what stands behind it. */
static bool section_of_variable(const char *text, enum config_section *kind, const char **rest)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        const char *name = config_section_name((enum config_section)i);
        size_t len = strlen(name), same = 0;

        while (same < len && text[same] == toupper((unsigned char)name[same])) {
            same++;
        }
        if (same == len && text[len] == '_' && i != SECTION_POOL) {
            *kind = (enum config_section)i;
            *rest = text + len + 1;
            return true;
        }
    }
    return false;
}

static struct written_section *environment_section(struct written *written,
                                                   enum config_section kind)
{
    struct written_section *section = written_find(written, kind, true, "");

    return section != NULL ? section
                           : written_add_section(written, kind, "", "the environment", true);
}

static void complain_of_variable(struct complaints *complaints, const char *variable,
                                 const char *rest, const enum config_section *kind)
{
    char lower[NAME_SHOWN + 1] = "";

    for (size_t i = 0; i < NAME_SHOWN && rest[i] != '\0'; i++) {
        lower[i] = (char)tolower((unsigned char)rest[i]);
    }
    const char *near = kind != NULL ? config_key_near(*kind, lower) : NULL;

    complain(complaints, written_shown(variable),
             "unknown variable%s%s%s; accepted: POOLWARDEN_<SECTION>_<KEY> for the keys of agent, "
             "cloudwatch, alarms, statsd and, without a [database NAME] section, database",
             near != NULL ? " (did you mean the key " : "", near != NULL ? near : "",
             near != NULL ? "?)" : "");
}

static void take_variable(struct written *written, const char *variable, const char *value)
{
    const char *rest = variable + strlen(PREFIX), *name;
    enum config_section kind;

    if (!section_of_variable(rest, &kind, &rest)) {
        complain_of_variable(written->complaints, variable, rest, NULL);
        return;
    }
    if (kind == SECTION_DATABASE && strcmp(rest, "NAME") == 0) {
        free(written->database_name);
        written->database_name = value[0] != '\0' ? mem_strdup(value) : NULL;
        return;
    }
    const struct config_key *key = config_key_of_variable(kind, rest, &name);

    if (key == NULL) {
        complain_of_variable(written->complaints, variable, rest, &kind);
        return;
    }
    struct written_section *section = environment_section(written, kind);

    if (value[0] == '\0' || section->count >= WRITTEN_SETTINGS_MAX ||
        written_same(section, key, name) != NULL) {
        return; /* the first of two wins, as for getenv() */
    }
    struct setting *setting = written_add_setting(section, key, name, value, variable);

    setting->text = mem_strdup(value);
}

struct written_section *written_add_url(struct written *written, const struct config_key *key,
                                        const char *url)
{
    struct written_section *section = environment_section(written, SECTION_DATABASE);

    written_add_setting(section, key, NULL, url, "DATABASE_URL")->text = mem_strdup(url);
    return section;
}

void written_read_environment(struct written *written)
{
    for (const char *const *entry = written->environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');

        if (equals != NULL && strncmp(*entry, PREFIX, strlen(PREFIX)) == 0) {
            char *variable = mem_strndup(*entry, (size_t)(equals - *entry));

            take_variable(written, variable, equals + 1);
            free(variable);
        }
    }
}
