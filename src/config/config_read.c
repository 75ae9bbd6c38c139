/* This module reads the configuration file, and says what is wrong when it cannot be read. Whoever
 * loads the configuration runs this. */
#include "config/config_read.h"

#include <errno.h>

#include "base/file.h"
#include "config/config.h"

static void cannot_read(const char *file, int errnum, const struct format *format,
                        struct problems *problems)
{
    struct err err = {0};
    if (errnum == EISDIR) {
        err_hint(problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0,
                              "this is a directory; a file was expected"),
                 "if a container mounts it, the file did not exist outside when it was started");
        return;
    }
    if (errnum == EFBIG) {
        problems_add(problems, PROBLEM_TOO_LARGE, file, 0, 0,
                     "the file is larger than 10 MiB; a configuration was expected");
        return;
    }
    err_set_errno(&err, errnum, "the configuration cannot be read");
    struct err *added = problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0, "%s", err.message);
    if (errnum == ENOENT)
        err_hint(added,
                 "name the file (portico run FILE, or CONFIG_PATH=FILE), or create it with these "
                 "lines:\n%s",
                 format->words.first_route);
    else if (errnum == EACCES)
        err_hint(added, "the user that runs Portico needs permission to read the file and to "
                        "enter its directory");
}

char *config_read(const char *path, const char *file, const struct format *format, size_t *len,
                  mode_t *mode, struct problems *problems)
{
    char *text = file_read(path, CONFIG_SIZE_MAX, FILE_ANY, len, mode);
    if (text == NULL)
        cannot_read(file, errno, format, problems);
    return text;
}
