#include "aws/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

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
