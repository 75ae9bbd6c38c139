/* This file reads secrets from files of their own, see secret.h. Whoever loads the configuration
 * runs this.
 *
 * A secret is kept in the memory of the configuration and nowhere else: what it was read through
 * is overwritten. Only regular files are read, so that a pipe that nobody writes to, or a device
 * without an end, does not hang the start. */
#include "config/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/problems.h"

/* The path as the process sees it. False when it is too long. */
static bool full_path(const char *config, struct span path, char out[PATH_MAX])
{
    const char *slash = strrchr(config, '/');
    int directory = path.data[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - config);
    return snprintf(out, PATH_MAX, "%.*s" SPAN_FMT, directory, config, SPAN_ARG(path)) < PATH_MAX;
}

_Static_assert(SECRET_MAX == 8192, "as it is said");

static int unusable(struct span file, const char *why, const char *hint, struct err *err)
{
    char quoted[ERR_QUOTE];
    return err_hint(
        err_say(err, "is to come from the file \"%s\", which %s", err_quote(file, quoted), why),
        "%s", hint);
}

static int cannot_read(struct span file, int errnum, struct err *err)
{
    char why[128], text[160];
    if (errnum == EFBIG)
        return unusable(file, "is too large; at most 8192 bytes were expected",
                        "a file holds one secret, and nothing else", err);
    snprintf(text, sizeof text, "cannot be read: %s",
             errnum == EINVAL ? "it is a pipe or a device" : strerror_r(errnum, why, sizeof why));
    return unusable(file, text,
                    errnum == EACCES
                        ? "the user that runs Portico needs permission to read it"
                        : "a relative path begins in the directory of the configuration file",
                    err);
}

/* Takes the line end off. -1 with `err` when that is no secret. */
static int check_content(struct span file, struct span *text, struct err *err)
{
    if (span_has_suffix(*text, SPAN("\n")))
        text->len--;
    if (span_has_suffix(*text, SPAN("\r")))
        text->len--;
    if (text->len == 0)
        return unusable(file, "is empty; a secret was expected",
                        "write the secret into it, and nothing else", err);
    if (text->len > SECRET_MAX)
        return cannot_read(file, EFBIG, err);
    if (span_find(*text, '\0') < text->len)
        return unusable(file, "holds a NUL byte; text was expected",
                        "it is binary, or was saved as UTF-16", err);
    return 0;
}

int secret_read(const char *config, struct span path, struct span written, struct value_tree *tree,
                struct span *secret, mode_t *mode, struct err *err)
{
    char full[PATH_MAX];
    size_t len = 0;
    int result = -1;
    if (path.len == 0)
        return err_hint(err_say(err, "has no path behind \"" SECRET_FILE "\"; one was expected"),
                        "write for example \"" SECRET_FILE "secrets/app\"");
    if (span_find(path, '\0') < path.len || !full_path(config, path, full))
        return err_set(err, "has a path that is too long, or holds a NUL; another was expected");
    struct span file = span_eq(path, written) ? span_str(full) : written;   /* in messages */
    char *data = file_read(full, SECRET_MAX + 2, FILE_REGULAR, &len, mode); /* with its line end */
    if (data == NULL)
        return cannot_read(file, errno, err);
    struct span text = span_make(data, len);
    if (check_content(file, &text, err) == 0)
        result = value_copy(tree, text, secret) ? 0 : err_set(err, "cannot be read: out of memory");
    secret_wipe(data, len);
    return result;
}

void secret_wipe(char *text, size_t len)
{
    if (text)
        explicit_bzero(text, len);
    free(text);
}
