/* YAML that is none: what libyaml says about it, in sentences that tell what to do. */
#ifndef PORTICO_FORMAT_YAML_FAULT_H
#define PORTICO_FORMAT_YAML_FAULT_H

#include <stdbool.h>
#include <yaml.h>

#include "base/span.h"
#include "format/problems.h"

/* Reports characters that YAML does not allow, and those that it takes for the end of a line
 * though nobody sees one. False if there are any: then libyaml should not see the text. */
bool yaml_check_characters(const char *file, struct span text, struct problems *problems);

/* Reports the error that stopped `parser` on its way through `text` (without a mark). */
void yaml_fault(const char *file, struct span text, const yaml_parser_t *parser,
                struct problems *problems);

#endif
