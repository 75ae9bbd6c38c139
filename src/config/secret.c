/* Secrets: see secret.h. Whoever loads the configuration runs this.
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

static int too_large(const char *path, struct err *err)
{
    char quoted[ERR_QUOTE];
    return err_hint(
        err_say(
            err,
            "is to come from the file \"%s\", which is too large; at most %u bytes were expected",
            err_quote(span_str(path), quoted), SECRET_MAX),
        "a file holds one secret, and nothing else");
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
    if (text->len == 0)
        return err_hint(
            err_say(err, "is to come from the file \"%s\", which is empty; a secret was expected",
                    quoted),
            "write the secret into it, and nothing else");
    if (text->len > SECRET_MAX)
        return too_large(path, err);
    if (span_find(*text, '\0') < text->len)
        return err_hint(
            err_say(err,
                    "is to come from the file \"%s\", which holds a NUL byte; text was expected",
                    quoted),
            "it is binary, or was saved as UTF-16");
    return 0;
}

int secret_read(const char *config, struct span path, struct value_tree *tree, struct span *secret,
                mode_t *mode, struct err *err)
{
    char full[PATH_MAX];
    size_t len = 0;
    int result = -1;
    if (path.len == 0)
        return err_hint(err_say(err, "has no path behind \"" SECRET_FILE "\"; one was expected"),
                        "write for example \"" SECRET_FILE "secrets/app\"");
    if (span_find(path, '\0') < path.len || !full_path(config, path, full))
        return err_set(err, "has a path that is too long, or holds a NUL; another was expected");
    char *data = file_read(full, SECRET_MAX + 2, FILE_REGULAR, &len, mode); /* with its line end */
    if (data == NULL && errno == EFBIG)
        return too_large(full, err);
    if (data == NULL)
        return cannot_read(full, errno, err);
    struct span text = span_make(data, len);
    if (check_content(full, &text, err) == 0)
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
