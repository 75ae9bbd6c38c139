/* Secrets: see secret.h. Whoever loads the configuration runs this.
 *
 * A secret is kept in the memory of the configuration and nowhere else: what it was read through
 * is overwritten. Only regular files are read, so that a pipe that nobody writes to, or a device
 * without an end, does not hang the start. */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/problems.h"

/* The path as the process sees it. False when it is too long. */
static bool full_path(const char *config, struct span path, char out[PATH_MAX])
{
    const char *slash = strrchr(config, '/');
    int directory = path.data[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - config);
    return snprintf(out, PATH_MAX, "%.*s" SPAN_FMT, directory, config, SPAN_ARG(path)) < PATH_MAX;
}

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

static int cannot_read(const char *path, int errnum, struct err *err)
{
    char quoted[ERR_QUOTE], why[128];
    err_quote(span_str(path), quoted);
    err_set(err, "is to come from the file \"%s\", which cannot be read: %s", quoted,
            errnum == EINVAL ? "it is a pipe or a device" : strerror_r(errnum, why, sizeof why));
    if (errnum == EACCES)
        return err_hint(err, "the user that runs Portico needs permission to read it");
    return err_hint(err, "a relative path begins in the directory of the configuration file");
}

/* Without its line end. -1 with `err` when that is no secret. */
static int check_content(const char *path, struct span *text, struct err *err)
{
    char quoted[ERR_QUOTE];
    err_quote(span_str(path), quoted);
    if (span_has_suffix(*text, SPAN("\n")))
        text->len--;
    if (span_has_suffix(*text, SPAN("\r")))
        text->len--;
    if (text->len == 0) {
        err_set(err, "is to come from the file \"%s\", which is empty; a secret was expected",
                quoted);
        return err_hint(err, "write the secret into it, and nothing else");
    }
    if (text->len > SECRET_MAX) {
        err_set(err,
                "is to come from the file \"%s\", which is too large; at most %u bytes were "
                "expected",
                quoted, SECRET_MAX);
        return err_hint(err, "a file holds one secret, and nothing else");
    }
    if (span_find(*text, '\0') < text->len) {
        err_set(err, "is to come from the file \"%s\", which holds a NUL byte; text was expected",
                quoted);
        return err_hint(err, "it is binary, or was saved as UTF-16");
    }
    return 0;
}

int secret_read(const char *config, struct span path, struct value_tree *tree, struct span *secret,
                mode_t *mode, struct err *err)
{
    char full[PATH_MAX], data[SECRET_MAX + 3]; /* a line end, and one byte too many */
    struct stat status;
    size_t len = 0;
    int result = -1;
    if (path.len == 0) {
        err_set(err, "has no path behind \"" SECRET_FILE "\"; one was expected");
        return err_hint(err, "write for example \"" SECRET_FILE "secrets/app\"");
    }
    if (span_find(path, '\0') < path.len || !full_path(config, path, full))
        return err_set(err, "has a path that is too long, or holds a NUL; another was expected");
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0) {
        cannot_read(full, errno, err);
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        cannot_read(full, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, err);
        goto out;
    }
    *mode = status.st_mode & 07777;
    if (read_all(fd, data, sizeof data, &len) < 0) {
        cannot_read(full, errno, err);
        goto out;
    }
    struct span text = span_make(data, len);
    if (check_content(full, &text, err) < 0)
        goto out;
    if (value_copy(tree, text, secret))
        result = 0;
    else
        err_set(err, "cannot be read: out of memory");
out:
    explicit_bzero(data, sizeof data);
    if (fd >= 0)
        close(fd);
    return result;
}

void secret_wipe(char *text, size_t len)
{
    if (text)
        explicit_bzero(text, len);
    free(text);
}
