#include "aws/profiles.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "aws/common/buf.h"
#include "aws/common/ini.h"
#include "aws/common/mem.h"
#include "aws/common/words.h"

#define PATH_MAX_LEN 4096
#define ENTRIES_MAX  20000

enum kind { KIND_PROFILE, KIND_SERVICES, KIND_OTHER };

/* One line of one of the files, or a section's own (key is NULL). */
struct entry {
    enum profiles_file file;
    enum kind kind;
    char *section; /* the profile's or the services block's name */
    char *parent;  /* of an indented entry: the key that it belongs to; else NULL */
    char *key;
    char *value;
};

struct profiles {
    struct entry *entries;
    size_t count;
    char *path[2]; /* by enum profiles_file */
    char *place;
    char *selected;
};

/* --- Paths ---------------------------------------------------------------------------------- */

/* "$NAME" or "${NAME}" at text, appended as its value; the characters that it takes, or 0. */
static size_t expand_variable(const struct credentials_env *env, const char *text, struct buf *out)
{
    bool braces = text[1] == '{';
    const char *start = text + (braces ? 2 : 1);
    size_t len = 0;

    while (isalnum((unsigned char)start[len]) || start[len] == '_') {
        len++;
    }
    if (len == 0 || (braces && start[len] != '}')) {
        return 0;
    }
    char *name = mem_strndup(start, len);
    const char *value = credentials_getenv(env, name);
    free(name);
    if (!value) {
        return 0;
    }
    buf_puts(out, value);
    return len + (braces ? 3 : 1);
}

char *profiles_expand(const struct credentials_env *env, const char *path)
{
    const char *home = credentials_getenv(env, "HOME");
    struct buf out;

    buf_init(&out, PATH_MAX_LEN);
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home) {
        buf_puts(&out, home);
        path++;
    }
    while (*path) {
        size_t taken = *path == '$' ? expand_variable(env, path, &out) : 0;

        if (taken == 0) {
            buf_putc(&out, *path);
            taken = 1;
        }
        path += taken;
    }
    char *expanded = mem_strdup(buf_text(&out));
    buf_done(&out);
    return expanded;
}

/* --- Reading -------------------------------------------------------------------------------- */

struct reader {
    struct profiles *profiles;
    enum profiles_file file;
    enum kind kind;
    char *section;
    char *parent; /* the last key that had no value */
};

/* "profile NAME", quotes allowed. */
static void take_section_of_config(struct reader *reader, const char *text)
{
    struct words words;

    reader->kind = KIND_OTHER;
    if (!words_split(text, &words, NULL)) {
        return; /* no section of ours, whatever it is */
    }
    const char *first = words.items[0], *second = words.count == 2 ? words.items[1] : NULL;
    if (words.count == 1 && strcmp(first, "default") == 0) {
        reader->kind = KIND_PROFILE;
        reader->section = mem_strdup(first);
    } else if (second && strcmp(first, "profile") == 0) {
        reader->kind = KIND_PROFILE;
        reader->section = mem_strdup(second);
    } else if (second && strcmp(first, "services") == 0) {
        reader->kind = KIND_SERVICES;
        reader->section = mem_strdup(second);
    }
    words_done(&words);
}

static void take_section(struct reader *reader, const char *text)
{
    free(reader->section);
    reader->section = NULL;
    if (reader->file == PROFILES_CONFIG) {
        take_section_of_config(reader, text);
    } else {
        reader->kind = KIND_PROFILE;
        reader->section = mem_strdup(text);
    }
}

static void set_parent(struct reader *reader, const char *key)
{
    free(reader->parent);
    reader->parent = mem_strdup(key);
}

static void add_entry(struct reader *reader, const char *parent, const struct ini_entry *entry)
{
    struct profiles *profiles = reader->profiles;

    if (!reader->section || profiles->count == ENTRIES_MAX) {
        return;
    }
    profiles->entries =
        mem_grow(profiles->entries, profiles->count + 1, sizeof(*profiles->entries));
    profiles->entries[profiles->count++] = (struct entry){
        .file = reader->file,
        .kind = reader->kind,
        .section = mem_strdup(reader->section),
        .parent = mem_strdup(parent),
        .key = mem_strdup(entry->key),
        .value = mem_strdup(entry->value),
    };
}

static void on_entry(void *arg, const struct ini_entry *entry)
{
    struct reader *reader = arg;

    if (!entry->key) {
        take_section(reader, entry->section);
        set_parent(reader, NULL);
        add_entry(reader, NULL, entry);
    } else if (entry->is_indented && reader->parent) {
        add_entry(reader, reader->parent, entry);
    } else {
        set_parent(reader, entry->value[0] == '\0' ? entry->key : NULL);
        add_entry(reader, NULL, entry);
    }
}

static bool read_one(struct profiles *profiles, enum profiles_file file, struct err *err)
{
    const struct ini_dialect dialect = {.python = true};
    struct reader reader = {.profiles = profiles, .file = file, .kind = KIND_OTHER};
    struct err cause;
    struct stat status;
    /* As to botocore, what is no regular file is none; nor is what can not even be looked at (a
     * home directory that is closed to a service). A pipe would hold the loop up. */
    bool read = stat(profiles->path[file], &status) != 0 || !S_ISREG(status.st_mode) ||
                ini_read_file(profiles->path[file], &dialect, on_entry, &reader, &cause) ||
                cause.code == ERR_ABSENT;

    free(reader.section);
    free(reader.parent);
    return read || err_set(err, ERR_CONFIG, "%s", cause.message);
}

static char *path_of(const struct credentials_env *env, const char *variable, const char *usual)
{
    const char *path = credentials_getenv(env, variable);

    return profiles_expand(env, path ? path : usual);
}

/* NULL: nobody chose one. */
static const char *choice_of(const struct credentials_env *env)
{
    const char *name = env->profile;

    name = name ? name : credentials_getenv(env, "AWS_DEFAULT_PROFILE");
    return name ? name : credentials_getenv(env, "AWS_PROFILE");
}

bool profiles_load(const struct credentials_env *env, struct profiles **out, struct err *err)
{
    struct profiles *profiles = mem_alloc(sizeof(*profiles));
    const char *chosen = choice_of(env);

    profiles->path[PROFILES_CONFIG] = path_of(env, "AWS_CONFIG_FILE", "~/.aws/config");
    profiles->path[PROFILES_CREDENTIALS] =
        path_of(env, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
    profiles->place = mem_printf("%s and %s", profiles->path[PROFILES_CONFIG],
                                 profiles->path[PROFILES_CREDENTIALS]);
    profiles->selected = mem_strdup(chosen ? chosen : "default");
    bool ok =
        read_one(profiles, PROFILES_CONFIG, err) && read_one(profiles, PROFILES_CREDENTIALS, err);
    if (ok && chosen && !profiles_has(profiles, chosen)) {
        ok = err_set(err, ERR_CONFIG, "profile %.100s was chosen, but %s have no such profile",
                     chosen, profiles->place);
    }
    if (!ok) {
        profiles_free(profiles);
        return false;
    }
    *out = profiles;
    return true;
}

void profiles_free(struct profiles *profiles)
{
    if (!profiles) {
        return;
    }
    for (size_t i = 0; i < profiles->count; i++) {
        free(profiles->entries[i].section);
        free(profiles->entries[i].parent);
        free(profiles->entries[i].key);
        mem_free_secret(profiles->entries[i].value);
    }
    free(profiles->entries);
    free(profiles->path[PROFILES_CONFIG]);
    free(profiles->path[PROFILES_CREDENTIALS]);
    free(profiles->place);
    free(profiles->selected);
    free(profiles);
}

/* --- Asking --------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

/* The last one written counts. */
static const char *find(const struct profiles *profiles, enum profiles_file file, enum kind kind,
                        const char *section, const char *parent, const char *key)
{
    for (size_t i = profiles->count; i > 0; i--) {
        const struct entry *entry = &profiles->entries[i - 1];

        if (entry->file == file && entry->kind == kind && entry->key &&
            strcmp(entry->section, section) == 0 && same(entry->parent, parent) &&
            same(entry->key, key)) {
            return entry->value[0] ? entry->value : NULL;
        }
    }
    return NULL;
}

const char *profiles_selected(const struct profiles *profiles)
{
    return profiles->selected;
}

const char *profiles_place(const struct profiles *profiles)
{
    return profiles->place;
}

bool profiles_has(const struct profiles *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct entry *entry = &profiles->entries[i];

        if (entry->kind == KIND_PROFILE && strcmp(entry->section, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *profiles_get_from(const struct profiles *profiles, enum profiles_file file,
                              const char *name, const char *key)
{
    return find(profiles, file, KIND_PROFILE, name, NULL, key);
}

const char *profiles_get(const struct profiles *profiles, const char *name, const char *key)
{
    const char *value = profiles_get_from(profiles, PROFILES_CREDENTIALS, name, key);

    return value ? value : profiles_get_from(profiles, PROFILES_CONFIG, name, key);
}

const char *profiles_get_service(const struct profiles *profiles, const char *name,
                                 const char *service, const char *key)
{
    const char *block = profiles_get(profiles, name, "services");

    return block ? find(profiles, PROFILES_CONFIG, KIND_SERVICES, block, service, key) : NULL;
}

const char *profiles_setting(const struct profiles *profiles, const struct credentials_env *env,
                             const char *variable, const char *key)
{
    const char *value = credentials_getenv(env, variable);

    return value ? value : profiles_get(profiles, profiles->selected, key);
}
