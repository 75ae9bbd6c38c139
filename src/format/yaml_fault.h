/* This module says what is wrong with a text in YAML, in sentences that tell what to do. */
#ifndef PORTICO_FORMAT_YAML_FAULT_H
#define PORTICO_FORMAT_YAML_FAULT_H

#include <yaml.h>

#include "base/span.h"
#include "format/builder.h"

/* libyaml's place as ours. `end` is the end of the text: libyaml's may lie on a line below. */
struct place yaml_place(yaml_mark_t mark, struct place end);

/* Reports the first character that YAML takes for the end of a line though nobody sees one, a mark
 * that is only good in front, or what YAML takes for a letter where a line begins, such as a
 * no-break space. False if there is any: then libyaml should not see the text. */
bool yaml_check_characters(struct builder *builder, struct span text);

/* Reports the error that stopped `parser` in `text`. */
void yaml_fault(struct builder *builder, struct span text, const yaml_parser_t *parser);

#endif
