/* Texts of the configuration may hold variables of the environment:
 *
 *     ${NAME}            its value; that it is not set, or empty, is an error
 *     ${NAME:-default}   the default instead
 *     $${                a literal "${"
 *
 * Any other "$" stands for itself. It happens behind the parser, so that no value can change what
 * the file means, and what a variable holds is not looked at again. */
#ifndef PORTICO_CONFIG_EXPAND_H
#define PORTICO_CONFIG_EXPAND_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

#define EXPAND_MAX 65536u /* bytes that a value may have, with its variables */

/* `text` with its variables replaced: itself when there are none, else in the memory of `tree`.
 * 0, and whether any was replaced; or -1 with `err`, whose message begins with what follows the
 * name of the setting. */
int expand(struct span text, struct value_tree *tree, struct span *expanded, bool *has_variables,
           struct err *err);

#endif
