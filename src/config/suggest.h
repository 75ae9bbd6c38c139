/* A suggestion is the known word that is nearest to a misspelt one: "did you mean ...?". */
#ifndef PORTICO_CONFIG_SUGGEST_H
#define PORTICO_CONFIG_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/* The best of the words offered so far; begin with {.word = what was written}. */
struct suggest {
    struct span word;
    const char *best; /* borrowed from what was offered; NULL while nothing is near */
    size_t distance;
};

/* Offers a candidate. It is near when few letters are wrong, missing, too many or swapped, for
 * the length of the word; case and the choice between "-" and "_" do not matter. */
void suggest_offer(struct suggest *suggest, const char *candidate);

/* What Portico calls a key, or a kind of certificate, that other servers know by the name of
 * `word`; NULL when there is nothing. */
const char *suggest_alias(struct span word);

/* Is it a key that other servers have for a port to listen on? */
bool suggest_is_port(struct span key);

#endif
