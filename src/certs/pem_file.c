/* PEM files: see pem_file.h. Used by the "certs" thread and by commands, never by a worker, since
 * disks sleep.
 *
 * A file is written under a temporary name in its own directory (rename(2) does not cross file
 * systems), which begins with a dot so that nobody takes it for a certificate. mkostemp makes
 * it with mode 0600 whatever the umask; a wider mode is given once the content is complete.
 * Then fsync, rename, and fsync of the directory: a durable name must not reach the disk before
 * what it names. */
#include "certs/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int pem_file_read(const char *path, char **text, size_t *len, struct err *err)
{
    mode_t mode;
    /* A fifo that somebody left there must not hang the start. */
    char *data = file_read(path, PEM_FILE_MAX, FILE_REGULAR, len, &mode);
    if (data == NULL) {
        int saved = errno;
        err_set_errno(err, saved, "cannot read %s", path);
        errno = saved;
        return -1;
    }
    *text = data;
    return 0;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    /* Some file systems cannot sync a directory and say EINVAL: they need not. */
    int result = fsync(fd) != 0 && errno != EINVAL ? -1 : 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}

int pem_file_write(const char *path, mode_t mode, const char *text, size_t len, bool durable,
                   struct err *err)
{
    char copy[PATH_MAX], temporary[PATH_MAX + 16] = "";
    int fd = -1, result = -1, saved;

    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy) {
        errno = ENAMETOOLONG;
        goto out;
    }
    const char *dir = dirname(copy);
    snprintf(temporary, sizeof temporary, "%s/.new-XXXXXX", dir);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        temporary[0] = '\0';
        goto out;
    }
    if (write_all(fd, text, len) != 0 || fchmod(fd, mode) != 0 || (durable && fsync(fd) != 0))
        goto out;
    if (rename(temporary, path) != 0)
        goto out;
    temporary[0] = '\0';
    result = durable ? sync_dir(dir) : 0;
out:
    saved = errno;
    if (result != 0)
        err_set_errno(err, saved, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    if (temporary[0] != '\0')
        unlink(temporary);
    errno = saved;
    return result;
}

int pem_file_make_dir(const char *path, struct err *err)
{
    struct stat st;
    if (mkdir(path, 0700) == 0 && chmod(path, 0700) == 0) /* whatever the umask took away */
        return 0;
    if (errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        errno = ENOTDIR;
    }
    int saved = errno;
    err_set_errno(err, saved, "cannot make the directory %s", path);
    errno = saved;
    return -1;
}

void pem_file_protect(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
        return;
    bool mended = chmod(path, 0600) == 0;
    log_write(LOG_WARN, "%s had mode %04o, so that others could read a key%s", path,
              (unsigned)st.st_mode & 07777,
              mended ? "; it has 0600 now" : ", and cannot be changed: give it 0600");
}
