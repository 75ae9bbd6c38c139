/* Notations: TOML, JSON and YAML, as ways to write the same configuration.
 *
 * Each has its parser, its writer, and the words in which it is spoken about: what is an array in
 * one is a list in another, and advice is given in the notation at hand. */
#ifndef PORTICO_CONFIG_NOTATION_H
#define PORTICO_CONFIG_NOTATION_H

#include <stdio.h>

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

typedef struct value_tree *notation_parser(const char *file, struct span text,
                                           struct problems *problems);

typedef void notation_writer(FILE *out, const struct value_table *root);

/* Phrases. In each, @ stands for the name that it is about, and # for a value. */
struct notation_words {
    const char *list, *table, *null; /* types: "a list", "a table", "null" */
    const char *section[2];          /* a section's name; of one that is a list */
    const char *section_noun;        /* what a section is, in a sentence */
    const char *all_sections;        /* what may stand at the top of the file */
    const char *under[2];            /* "it belongs ...", about a section */
    const char *outside;             /* what is wrong with the key @ at the top */
    const char *move[2];             /* how to move it into the section @ */
    const char *add;                 /* how to add the key @ with the value # */
    const char *write_list;          /* how to write the section @, which is no list */
    const char *write_single;        /* how to write the section @, which is no table */
    const char *first_route;         /* the lines of the smallest configuration */
};

struct notation {
    const char *name;              /* for --format */
    const char *suffixes[3];       /* of file names; the last is NULL */
    notation_parser *parse;        /* values may lack their places */
    notation_parser *parse_placed; /* values have them; NULL when they do anyway */
    notation_writer *write;        /* strings, integers, booleans, arrays and tables */
    struct notation_words words;
};

extern const struct notation notation_toml, notation_json, notation_yaml;

/* The notation of that name ("toml", "json", "yaml"), or NULL. */
const struct notation *notation_named(const char *name);

/* The one that the name of a file ends in; TOML when it ends in none. */
const struct notation *notation_of(const char *path);

/* A phrase with its @ and # replaced (`value` may be NULL). Returns `out`. */
#define NOTATION_PHRASE 256u
const char *notation_say(const char *phrase, const char *name, const char *value,
                         char out[NOTATION_PHRASE]);

/* "a string", "an integer", …: value_type_name in the words of the notation. */
const char *notation_type_name(const struct notation *notation, enum value_type type);

#endif
