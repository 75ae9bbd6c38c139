/* This module reads whole files: the configuration, secrets, certificates.
 *
 * The size is limited while reading, since a pipe or a device does not say how much is coming. The
 * buffer has the full size from the start, so that nothing has to move and no copy of a secret is
 * left behind; the kernel gives memory only for what is written to. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* At most `size` bytes. -1 with errno. */
static int read_all(int fd, char *data, size_t size, size_t *len)
{
    for (*len = 0; *len < size;) {
        ssize_t got = read(fd, data + *len, size - *len);
        if (got == 0)
            return 0;
        if (got > 0)
            *len += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Without waiting for the other end of a pipe, if the file is to be a regular one. */
static int open_file(const char *path, enum file_kind kind)
{
    if (kind == FILE_ANY && strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(path, O_RDONLY | O_CLOEXEC | (kind == FILE_REGULAR ? O_NONBLOCK : 0));
}

char *file_read(const char *path, size_t limit, enum file_kind kind, size_t *len, mode_t *mode)
{
    struct stat status;
    char *data = NULL, *text = NULL;
    int error = 0, fd = open_file(path, kind);
    if (fd == -1 || fstat(fd, &status) == -1)
        error = errno;
    else if (S_ISDIR(status.st_mode))
        error = EISDIR;
    else if (kind == FILE_REGULAR && !S_ISREG(status.st_mode))
        error = EINVAL;
    else if ((data = malloc(limit + 1)) == NULL || read_all(fd, data, limit + 1, len) == -1)
        error = errno;
    else if (*len > limit)
        error = EFBIG;
    if (error == 0) {
        data[*len] = '\0';
        *mode = S_ISREG(status.st_mode) ? status.st_mode & 07777 : 0;
        text = realloc(data, *len + 1); /* smaller, and in place */
    }
    if (text == NULL && data) {
        explicit_bzero(data, *len);
        free(data);
    }
    if (fd != -1)
        close(fd);
    errno = error;
    return text;
}
