/* A whole file is read here, up to a limit. */
#ifndef PORTICO_BASE_FILE_H
#define PORTICO_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

enum file_kind {
    FILE_REGULAR, /* anything else is refused */
    FILE_ANY,     /* pipes and devices are read to their end; "-" is standard input */
};

/* Reads the file `path`, which may have `limit` bytes. Returns its content, with a NUL behind it,
 * which the caller frees; *len does not count the NUL. *mode is the permissions of a regular file
 * and 0 of anything else. Returns NULL with errno on failure: EISDIR for a directory, EFBIG for
 * what is larger, EINVAL for what is not a regular file although FILE_REGULAR was asked for. */
char *file_read(const char *path, size_t limit, enum file_kind kind, size_t *len, mode_t *mode);

#endif
