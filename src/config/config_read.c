/* Reading the configuration file: see config_read.h. Whoever loads the configuration runs this;
 * the size is limited while reading, so that a pipe or a device is no danger either. */
#include "config/config_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

/* Reads at most CONFIG_SIZE_MAX + 1 bytes. A buffer of the caller's, or NULL with errno. */
static char *read_all(int fd, size_t *len)
{
    size_t room = 4096;
    char *text = malloc(room);
    *len = 0;
    while (text) {
        ssize_t got = read(fd, text + *len, room - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(text);
            return NULL;
        }
        *len += (size_t)got;
        if (got == 0 || *len > CONFIG_SIZE_MAX)
            return text;
        if (*len < room)
            continue;
        room *= 2;
        char *larger = realloc(text, room);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    errno = ENOMEM;
    return NULL;
}

static int cannot_read(const char *file, int errnum, const struct format *format,
                       struct problems *problems)
{
    struct err err = {0};
    err_set_errno(&err, errnum, "the configuration cannot be read");
    struct err *added = problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0, "%s", err.message);
    if (errnum == ENOENT)
        return err_hint(added,
                        "name the file (portico run FILE, or CONFIG_PATH=FILE), or create it with "
                        "these lines:\n%s",
                        format->words.first_route);
    if (errnum == EACCES)
        return err_hint(added, "the user that runs Portico needs permission to read the file and "
                               "to enter its directory");
    return -1;
}

char *config_read(const char *path, const char *file, const struct format *format, size_t *len,
                  mode_t *mode, struct problems *problems)
{
    char *text = NULL;
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) {
        cannot_read(file, errno, format, problems);
        goto out;
    }
    if (S_ISDIR(status.st_mode)) {
        err_hint(problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0,
                              "this is a directory; a file was expected"),
                 "if a container mounts it, the file did not exist outside when it was started");
        goto out;
    }
    *mode = S_ISREG(status.st_mode) ? status.st_mode & 07777 : 0;
    text = read_all(fd, len);
    if (text == NULL) {
        cannot_read(file, errno, format, problems);
    } else if (*len > CONFIG_SIZE_MAX) {
        problems_add(problems, PROBLEM_TOO_LARGE, file, 0, 0,
                     "the file is larger than 10 MiB; a configuration was expected");
        free(text);
        text = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    return text;
}
