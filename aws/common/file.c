#include "aws/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/common/mem.h"

/* A pipe or a terminal would hold the loop up. */
static bool open_regular(const char *path, int *out, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return err_errno(err, errno, "%s", path);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        errno = 0;
        return err_set(err, ERR_CONFIG, "%s: is no file", path);
    }
    *out = fd;
    return true;
}

/* Up to the file's end, or one chunk more than there is room for. */
static bool read_whole(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t len;

    do {
        len = read(fd, chunk, sizeof(chunk));
        if (len > 0) {
            buf_add(out, chunk, (size_t)len);
        }
    } while (buf_ok(out) && (len > 0 || (len < 0 && errno == EINTR)));
    OPENSSL_cleanse(chunk, sizeof(chunk));
    return len >= 0;
}

bool file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = -1;

    if (!open_regular(path, &fd, err)) {
        return false;
    }
    bool read = read_whole(fd, out);
    int cause = errno;
    close(fd);
    errno = read ? 0 : cause;
    if (!read) {
        return err_errno(err, cause, "%s", path);
    }
    return buf_ok(out) || err_set(err, ERR_CONFIG, "%s: larger than %zu bytes", path, out->limit);
}

void file_trim_newline(struct buf *text)
{
    static const char ends[] = {'\n', '\r'};

    for (size_t i = 0; i < sizeof(ends); i++) {
        if (text->len > 0 && text->data[text->len - 1] == ends[i]) {
            buf_truncate(text, text->len - 1);
        }
    }
}

static bool write_whole(const char *path, const char *text, mode_t mode,
                        enum file_durability durability)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ssize_t len = (ssize_t)strlen(text);
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

    if (ok && durability == FILE_SYNCED) {
        ok = fdatasync(fd) == 0;
    }
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    return ok;
}

bool file_replace(const char *path, const char *text, mode_t mode, enum file_durability durability,
                  struct err *err)
{
    char *temporary = mem_printf("%s.new", path);
    bool ok = write_whole(temporary, text, mode, durability) && rename(temporary, path) == 0;

    if (!ok) {
        err_errno(err, errno, "%s", temporary);
    }
    free(temporary);
    return ok;
}
