/* A secret is a value that is never shown, and may stand in a file of its own. */
#ifndef PORTICO_CONFIG_SECRET_H
#define PORTICO_CONFIG_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"
#include "format/value.h"

#define SECRET_MAX 8192u /* bytes of a secret */

/* What stands in place of a secret where a configuration is shown; as a secret it is refused. */
#define SECRET_MASK "<secret>"

/* "file:PATH": the secret stands in a file of its own. */
#define SECRET_FILE "file:"

/* Reads the file `path`, relative to the directory of the configuration file `config` ("-": to the
 * current one), into the memory of `tree`: its content, without the line end that it may have.
 * `written` is the path as the configuration has it, with its variables. 0 with *secret and the
 * file's *mode; or -1 with `err`, whose message begins with what follows the name of the setting,
 * and shows no variable's value. */
int secret_read(const char *config, struct span path, struct span written, struct value_tree *tree,
                struct span *secret, mode_t *mode, struct err *err);

/* Can others than the owner read a file of that mode? */
static inline bool secret_is_open(mode_t mode)
{
    return (mode & 044) != 0;
}

/* Overwrites and frees what malloc gave. NULL is fine. */
void secret_wipe(char *text, size_t len);

#endif
