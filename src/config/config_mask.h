/* Problems that show no secret. */
#ifndef PORTICO_CONFIG_CONFIG_MASK_H
#define PORTICO_CONFIG_CONFIG_MASK_H

#include "config/config.h"

/* Replaces what secrets hold in the source by "*", character for character, and what a parser
 * says about text beside or in one by a sentence that quotes nothing. */
void config_problems_mask(struct config_problems *problems);

#endif
