/* The problems of a configuration are printed here, for people and for the log. */
#ifndef PORTICO_CONFIG_CONFIG_PRINT_H
#define PORTICO_CONFIG_CONFIG_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include "format/problems.h"
#include "format/value.h"

/* Problems of one file, in the order of their places. Zero it to begin. */
struct config_problems {
    struct problems found; /* owned */
    char *source;          /* owned: the text, of which only lines that may be shown are left; NULL
                              when there is none */
    size_t source_len;
};

/* Prints each problem, if there are any: its place and what is wrong, the line with a caret below,
 * the hint. In colour if `out` is a terminal and NO_COLOR is not set. */
void config_problems_print(const struct config_problems *problems, FILE *out);
void config_problems_release(struct config_problems *problems);

/* Leaves of the source only the lines that may be shown, by what the tree says of them; none when
 * there is no tree. */
void config_problems_excerpt(struct config_problems *problems, const struct value_tree *tree);

/* Writes each into the log, in one line: a warning as one, an error as one. */
void config_problems_log(const struct config_problems *problems);

#endif
