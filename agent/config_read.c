#include "agent/config_read.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/suggest.h"
#include "aws/common/ini.h"
#include "aws/common/mem.h"

#define DEFAULT_FILE "/etc/poolwarden/agent.conf"

#define VALUE_MAX  65536 /* after ${NAME} */
#define NAME_SHOWN 64

/* --- ${NAME} ------------------------------------------------------------------------ */

const char *written_getenv(const struct written *written, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *entry = written->environ; *entry != NULL; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=') {
            return (*entry)[len + 1] != '\0' ? *entry + len + 1 : NULL;
        }
    }
    return NULL;
}

/* "${NAME}" at text: the variable's name, and the length of all of it; NULL when it has no such
 * form. */
static char *reference(const char *text, size_t *len)
{
    const char *name = text + 2;
    size_t name_len = 0;

    while (isalnum((unsigned char)name[name_len]) || name[name_len] == '_') {
        name_len++;
    }
    if (name_len == 0 || isdigit((unsigned char)name[0]) || name[name_len] != '}') {
        return NULL;
    }
    *len = name_len + 3;
    return mem_strndup(name, name_len);
}

/* One ${NAME}; false: there is nothing to put there. */
static bool replace(const struct written *written, const char *text, size_t *len, struct buf *out,
                    struct err *err)
{
    char *name = reference(text, len);

    if (name == NULL) {
        return err_set(err, ERR_CONFIG,
                       "has a ${ that is not of the form ${NAME}; a literal one "
                       "is written $${");
    }
    const char *value = written_getenv(written, name);

    if (value != NULL) {
        buf_puts(out, value);
        value_list_add(written->inserted, name);
    } else {
        bool is_systemds = strcmp(name, "CREDENTIALS_DIRECTORY") == 0;

        err_set(err, ERR_CONFIG, "needs the environment variable %s, which is not set or empty%s",
                name,
                is_systemds ? "; systemd sets it for the service, by hand give the file's directory"
                            : "");
    }
    free(name);
    return value != NULL;
}

/* NULL and err: something is missing. Not recursive: a password may hold a "${". */
static char *substitute(const struct written *written, const char *text, struct err *err)
{
    struct buf out;
    bool ok = true;

    buf_init(&out, VALUE_MAX);
    while (ok && *text != '\0') {
        size_t len = 1;

        if (strncmp(text, "$${", 3) == 0) {
            buf_puts(&out, "${");
            len = 3;
        } else if (strncmp(text, "${", 2) == 0) {
            ok = replace(written, text, &len, &out, err);
        } else {
            buf_putc(&out, *text);
        }
        text += ok ? len : 0;
    }
    if (ok && !buf_ok(&out)) {
        ok = err_set(err, ERR_CONFIG, "is longer than %d bytes", VALUE_MAX);
    }
    char *result = ok ? mem_strdup(buf_text(&out)) : NULL;

    buf_wipe(&out);
    return result;
}

/* --- sections and settings ------------------------------------------------------------------ */

struct written_section *written_find(const struct written *written, enum config_section kind,
                                     bool from_environment, const char *name)
{
    for (size_t i = 0; i < written->count; i++) {
        struct written_section *section = &written->sections[i];

        if (section->kind == kind && section->from_environment == from_environment &&
            strcmp(section->name, name) == 0) {
            return section;
        }
    }
    return NULL;
}

struct setting *written_setting(const struct written_section *section, const struct config_key *key)
{
    for (size_t i = 0; section != NULL && i < section->count; i++) {
        if (section->settings[i].key == key) {
            return &section->settings[i];
        }
    }
    return NULL;
}

struct written_section *written_add_section(struct written *written, enum config_section kind,
                                            const char *name, const char *place,
                                            bool from_environment)
{
    written->sections = mem_grow(written->sections, written->count + 1, sizeof(*written->sections));
    struct written_section *section = &written->sections[written->count++];

    *section = (struct written_section){.kind = kind,
                                        .name = mem_strdup(name),
                                        .place = mem_strdup(place),
                                        .from_environment = from_environment};
    return section;
}

struct setting *written_same(const struct written_section *section, const struct config_key *key,
                             const char *name)
{
    for (size_t i = 0; i < section->count; i++) {
        struct setting *setting = &section->settings[i];

        if (setting->key == key && (name == NULL || strcmp(setting->name, name) == 0)) {
            return setting;
        }
    }
    return NULL;
}

struct setting *written_add_setting(struct written_section *section, const struct config_key *key,
                                    const char *name, const char *as_written, const char *place)
{
    section->settings = mem_grow(section->settings, section->count + 1, sizeof(*section->settings));
    struct setting *setting = &section->settings[section->count++];

    *setting = (struct setting){.key = key,
                                .name = mem_strdup(name),
                                .written = mem_strdup(as_written),
                                .place = mem_strdup(place)};
    return setting;
}

const char *written_shown(const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)word[i]) && strchr("_.-", word[i]) == NULL) {
            return "(not a name)";
        }
    }
    return len > 0 && len <= NAME_SHOWN ? word : "(not a name)";
}

static const char *heading(const struct written_section *section, char *out, size_t room)
{
    (void)snprintf(out, room, "[%s%s%s]", config_section_name(section->kind),
                   section->name[0] != '\0' ? " " : "", section->name);
    return out;
}

/* --- the file ------------------------------------------------------------------------------- */

struct file_reader {
    struct written *written;
    const char *file;
    bool in_section; /* else a heading that was complained of: what is in it is passed over */
    size_t section;
};

static bool kind_of(const char *text, size_t len, enum config_section *out)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        const char *name = config_section_name((enum config_section)i);

        if (strlen(name) == len && memcmp(name, text, len) == 0) {
            *out = (enum config_section)i;
            return true;
        }
    }
    return false;
}

static void complain_of_section(struct complaints *complaints, const char *place, const char *text)
{
    struct suggestion best = {.word = text};

    for (int i = 0; i < SECTION_COUNT; i++) {
        suggest_consider(&best, config_section_name((enum config_section)i));
    }
    complain(complaints, place,
             "unknown section [%s]%s%s%s; accepted: [agent], [cloudwatch], "
             "[alarms], [database NAME], [pool NAME], [statsd]",
             written_shown(text), best.name != NULL ? " (did you mean [" : "",
             best.name != NULL ? best.name : "", best.name != NULL ? "]?)" : "");
}

/* Is the name one that this kind of section takes? */
static bool check_heading(struct complaints *complaints, const char *place,
                          enum config_section kind, const char *name)
{
    const char *word = config_section_name(kind);
    struct err err;

    if (config_section_once(kind) && name[0] != '\0') {
        complain(complaints, place, "[%s] stands once and has no name", word);
        return false;
    }
    if (kind == SECTION_POOL && name[0] == '\0') {
        complain(complaints, place, "[pool] needs a name: [pool NAME]");
        return false;
    }
    if (name[0] != '\0' && !value_check_name(name, &err)) {
        complain(complaints, place,
                 "[%s NAME]: the name %s; accepted: 1 to 200 letters, digits and . _ : -", word,
                 err.message);
        return false;
    }
    return true;
}

static bool open_section(struct file_reader *reader, const char *text, const char *place)
{
    struct written *written = reader->written;
    size_t len = strcspn(text, " \t");
    const char *name = text + len + strspn(text + len, " \t");
    enum config_section kind;

    if (!kind_of(text, len, &kind)) {
        complain_of_section(written->complaints, place, text);
        return false;
    }
    if (!check_heading(written->complaints, place, kind, name)) {
        return false;
    }
    const struct written_section *before = written_find(written, kind, false, name);

    if (before != NULL) {
        complain(written->complaints, place, "[%s] a second time; the first is at %s", text,
                 before->place);
        return false;
    }
    if (written->count >= WRITTEN_SECTIONS_MAX) {
        complain(written->complaints, place, "more than %d sections", WRITTEN_SECTIONS_MAX);
        return false;
    }
    reader->section = written->count;
    written_add_section(written, kind, name, place, false);
    return true;
}

static void complain_of_key(struct complaints *complaints, const char *place,
                            const struct written_section *section, const char *key)
{
    const char *near = config_key_near(section->kind, key);
    char text[256];
    struct buf hint;

    if (section->kind == SECTION_DATABASE && strcmp(key, "name") == 0) {
        complain(complaints, place, "%s name: stands in the heading: [database NAME]",
                 heading(section, text, sizeof(text)));
        return;
    }
    buf_init(&hint, 1024);
    if (near != NULL) {
        buf_printf(&hint, "did you mean %s?", near);
    } else {
        buf_puts(&hint, "accepted: ");
        config_key_list(section->kind, &hint);
    }
    complain(complaints, place, "%s %s: unknown key; %s", heading(section, text, sizeof(text)),
             written_shown(key), buf_text(&hint));
    buf_done(&hint);
}

static void take_setting(struct written *written, struct written_section *section, const char *key,
                         const char *value, const char *place)
{
    const char *name;
    const struct config_key *row = config_key_find(section->kind, key, &name);
    char text[256];
    struct err err;

    if (row == NULL) {
        complain_of_key(written->complaints, place, section, key);
        return;
    }
    const struct setting *before = written_same(section, row, name);

    if (before != NULL) {
        complain(written->complaints, place, "%s %s: a second time; the first is at %s",
                 heading(section, text, sizeof(text)), written_shown(key), before->place);
        return;
    }
    if (section->count >= WRITTEN_SETTINGS_MAX) {
        complain(written->complaints, place, "%s: more than %d keys",
                 heading(section, text, sizeof(text)), WRITTEN_SETTINGS_MAX);
        return;
    }
    struct setting *setting = written_add_setting(section, row, name, value, place);

    setting->text = substitute(written, value, &err);
    if (setting->text == NULL) {
        setting->told = true;
        complain(written->complaints, place, "%s %s: %s", heading(section, text, sizeof(text)),
                 written_shown(key), err.message);
    }
}

static void on_entry(void *arg, const struct ini_entry *entry)
{
    struct file_reader *reader = arg;
    struct written *written = reader->written;
    char *place = mem_printf("%s:%d", reader->file, entry->line);

    if (entry->key == NULL) {
        reader->in_section = open_section(reader, entry->section, place);
    } else if (entry->section[0] == '\0') {
        complain(written->complaints, place, "%s: stands before the first section",
                 written_shown(entry->key));
    } else if (reader->in_section) {
        take_setting(written, &written->sections[reader->section], entry->key, entry->value, place);
    }
    free(place);
}

/* The reader's message starts with "FILE:LINE: " where it is about a line. */
static void complain_of_file(struct complaints *complaints, const char *file, const struct err *err)
{
    size_t len = strlen(file);
    size_t digits = strncmp(err->message, file, len) == 0 && err->message[len] == ':'
                        ? strspn(err->message + len + 1, "0123456789")
                        : 0;

    if (digits > 0 && err->message[len + 1 + digits] == ':') {
        char *place = mem_strndup(err->message, len + 1 + digits);

        const char *rest = err->message + strlen(place);

        complain(complaints, place, "%s", rest + strspn(rest, ": "));
        free(place);
    } else {
        complain(complaints, "configuration", "%s", err->message);
    }
}

bool written_read_file(struct written *written, const struct config_source *source)
{
    static const struct ini_dialect dialect = {.inline_comments = true};
    const char *file = source->file != NULL ? source->file : DEFAULT_FILE;
    struct file_reader reader = {.written = written, .file = file};
    struct err err;

    if (source->file == NULL && source->text == NULL && access(file, F_OK) != 0) {
        return true;
    }
    bool ok = source->text != NULL
                  ? ini_read_text(file, source->text, &dialect, on_entry, &reader, &err)
                  : ini_read_file(file, &dialect, on_entry, &reader, &err);

    written->file = mem_strdup(file);
    if (!ok) {
        complain_of_file(written->complaints, file, &err);
    }
    return ok;
}

/* --- the whole ------------------------------------------------------------------------------ */

void written_init(struct written *written, const struct config_source *source,
                  struct complaints *complaints, struct config_list *inserted)
{
    *written = (struct written){
        .environ = source->environ != NULL ? source->environ : (const char *const *)environ,
        .complaints = complaints,
        .inserted = inserted,
    };
}

static void section_done(struct written_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        struct setting *setting = &section->settings[i];

        free(setting->name);
        free(setting->place);
        mem_free_secret(setting->written);
        mem_free_secret(setting->text);
    }
    free(section->settings);
    free(section->name);
    free(section->place);
}

void written_done(struct written *written)
{
    for (size_t i = 0; i < written->count; i++) {
        section_done(&written->sections[i]);
    }
    free(written->sections);
    free(written->file);
    free(written->database_name);
    *written = (struct written){0};
}
