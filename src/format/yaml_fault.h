/* YAML that is none: what libyaml says about it, in sentences that tell what to do. */
#ifndef PORTICO_FORMAT_YAML_FAULT_H
#define PORTICO_FORMAT_YAML_FAULT_H

#include <stdbool.h>
#include <yaml.h>

#include "base/span.h"
#include "format/problems.h"

/* What is read, and where problems go. All borrowed. */
struct yaml_source {
    const char *file;
    struct span text; /* without a byte order mark */
    struct problems *problems;
    unsigned last_line;  /* the place behind the last character */
    unsigned end_column; /* (yaml_check_characters sets both) */
};

/* Reports characters that YAML does not allow, and those that it takes for the end of a line
 * though nobody sees one. False if there are any: then libyaml should not see the text. */
bool yaml_check_characters(struct yaml_source *source);

/* libyaml's place as ours. At the end of a text it may lie on a line that is not there. */
void yaml_place(const struct yaml_source *source, const yaml_mark_t *mark, unsigned *line,
                unsigned *column);

/* Reports the error that stopped `parser`. */
void yaml_fault(const struct yaml_source *source, const yaml_parser_t *parser);

#endif
