/*
 * Small files that hold a secret: a password, a token, AWS's shared credentials. They rotate, so
 * they are read anew at each use, and in one go: a regular file does not hold the loop up.
 */
#pragma once

#include "aws/common/buf.h"

/*
 * Appends the file's content to out, a buffer of secrets whose limit is the most it may hold.
 * ERR_SYSTEM "PATH: No such file or directory", with errno set to the cause; ERR_CONFIG, errno 0:
 * no regular file, or larger than the limit. out may hold a part of it then.
 */
PW_CHECK bool file_read(const char *path, struct buf *out, struct err *err);

/* Takes one line end off the end of a text: an editor's, which belongs to no secret. */
void file_trim_newline(struct buf *text);
