#include "agent/destination.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/common/file.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define FILE_NAME       ".destination"
#define FILE_MAX        4096
#define NAMESPACE_SHOWN 64 /* characters of it in the directory's name; the hash tells the rest */

static uint32_t hash_of(const char *text)
{
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT32_C(0x01000193);
    }
    return hash;
}

/* What was sampled for one namespace is not sent to another. */
char *destination_dir(const char *state_dir, const char *region, const char *namespace_)
{
    char *shown = mem_strndup(namespace_, NAMESPACE_SHOWN);

    for (char *at = shown; *at; at++) {
        *at = (char)(isalnum((unsigned char)*at) ? *at : '_');
    }
    char *dir =
        mem_printf("%s/spool/%s-%s-%08" PRIx32, state_dir, region, shown, hash_of(namespace_));
    free(shown);
    return dir;
}

/* --- The file --------------------------------------------------------------------------------- */

/* NULL: there is none, or it is no such file. */
static json_t *read_file(const char *dir)
{
    char *path = mem_printf("%s/" FILE_NAME, dir), text[FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    json_t *document = NULL;
    struct err err;

    if (len > 0 && !json_parse(text, (size_t)len, &document, &err)) {
        document = NULL;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return document;
}

bool destination_write(const char *dir, const char *region, const char *namespace_, struct err *err)
{
    json_t *document =
        mem_check(json_pack("{s:s, s:s}", "region", region, "namespace", namespace_));
    json_t *there = read_file(dir);
    char *path = mem_printf("%s/" FILE_NAME, dir);
    char *text = mem_check(json_dumps(document, JSON_INDENT(2)));
    bool ok =
        (there && json_equal(there, document)) || file_replace(path, text, 0600, FILE_SYNCED, err);

    free(text);
    free(path);
    json_decref(there);
    json_decref(document);
    return ok;
}

/* --- Directories ------------------------------------------------------------------------------ */

static void tell(const char *state_dir, const char *dir, destination_on_dir *on_dir, void *arg)
{
    json_t *document = read_file(dir);
    const char *region = json_string_value(json_object_get(document, "region"));
    const char *namespace_ = json_string_value(json_object_get(document, "namespace"));
    char *its_own = region && namespace_ ? destination_dir(state_dir, region, namespace_) : NULL;

    if (its_own && strcmp(its_own, dir) == 0) {
        on_dir(arg, dir, region, namespace_);
    } else {
        on_dir(arg, dir, NULL, NULL);
    }
    free(its_own);
    json_decref(document);
}

void destination_each(const char *state_dir, destination_on_dir *on_dir, void *arg)
{
    char *parent = mem_printf("%s/spool", state_dir);
    DIR *list = opendir(parent);
    const struct dirent *entry;

    while (list && (entry = readdir(list)) != NULL) {
        if (entry->d_name[0] != '.') {
            char *dir = mem_printf("%s/%s", parent, entry->d_name);

            tell(state_dir, dir, on_dir, arg);
            free(dir);
        }
    }
    if (list) {
        closedir(list);
    }
    free(parent);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_ours(const char *name)
{
    return strncmp(name, FILE_NAME, strlen(FILE_NAME)) == 0 || ends_with(name, ".segment") ||
           ends_with(name, ".journal");
}

void destination_remove(const char *dir)
{
    DIR *list = opendir(dir);
    const struct dirent *entry;

    while (list && (entry = readdir(list)) != NULL) {
        if (is_ours(entry->d_name)) {
            (void)unlinkat(dirfd(list), entry->d_name, 0);
        }
    }
    if (list) {
        closedir(list);
    }
    (void)rmdir(dir);
}
