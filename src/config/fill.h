/* A configuration is filled from the sections and keys of a file that was parsed. */
#ifndef PORTICO_CONFIG_FILL_H
#define PORTICO_CONFIG_FILL_H

#include "config/config.h"
#include "config/setting.h"

/* Fills `config` from what its file says (config->tree), the defaults and the environment, as far
 * as it goes. What is wrong is added to context->problems, in no order; without errors, what can
 * hardly be meant as well (config/review). */
void config_fill(struct config *config, struct setting_context *context);

/* Fills `object`, the zeroed struct of a whole file whose sections are behind `file`, from what
 * context->tree says and the defaults. */
void fill_sections(const struct section *file, void *object, struct setting_context *context);

#endif
