/* PEM files: small, read whole, and written so that nobody ever sees half of one. */
#ifndef PORTICO_CERTS_PEM_FILE_H
#define PORTICO_CERTS_PEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define PEM_FILE_MAX ((size_t)256 * 1024) /* far beyond any chain */

/* Reads a regular file. 0, and *text (NUL-terminated, the caller frees it) with its *len; or
 * -1 with errno (ENOENT when there is none, EFBIG beyond PEM_FILE_MAX) and an `err` that names
 * the path. */
int pem_file_read(const char *path, char **text, size_t *len, struct err *err);

/* Writes a file of that mode, replacing an older one at once and as a whole: whenever the
 * process dies, there is the old file or the new one. At no moment can others read what `mode`
 * does not let them. With `durable` that holds for a power failure too, and when it returns 0
 * file and name are on the disk; without, such a failure may leave an empty file, which is for
 * what can be made anew, because waiting for a disk costs milliseconds. 0; or -1 with errno and
 * an `err` that names the path, the old file is as it was, and nothing is left behind. */
int pem_file_write(const char *path, mode_t mode, const char *text, size_t len, bool durable,
                   struct err *err);

/* A key that others may read or write: takes that away, and says so in the log. */
void pem_file_protect(const char *path);

/* Makes the directory, mode 0700, unless it is there already. 0, or -1 with errno and an
 * `err` that names the path. */
int pem_file_make_dir(const char *path, struct err *err);

#endif
