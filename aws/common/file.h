/*
 * Small files, read and written in one go: a regular file does not hold the loop up.
 *
 * What is read holds a secret: a password, a token, AWS's shared credentials. They rotate, so they
 * are read anew at each use.
 */
#pragma once

#include <sys/types.h>

#include "aws/common/buf.h"

/*
 * Appends the file's content to out, a buffer of secrets whose limit is the most it may hold.
 * ERR_SYSTEM "PATH: No such file or directory", with errno set to the cause; ERR_CONFIG, errno 0:
 * no regular file, or larger than the limit. out may hold a part of it then.
 */
PW_CHECK bool file_read(const char *path, struct buf *out, struct err *err);

/* Takes one line end off the end of a text: an editor's, which belongs to no secret. */
void file_trim_newline(struct buf *text);

/* Power that fails leaves the old one, the new one, or, not synced, an empty one. */
enum file_durability { FILE_NOT_SYNCED, FILE_SYNCED };

/* Puts a whole file in place of the old one (PATH.new, renamed), so that a crash leaves one or the
 * other. */
PW_CHECK bool file_replace(const char *path, const char *text, mode_t mode,
                           enum file_durability durability, struct err *err);
