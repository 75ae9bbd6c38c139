/* A format is TOML, JSON or YAML: three ways to write the same configuration.
 *
 * Each has its parser, and the words in which it is spoken about: what is an array in
 * one is a list in another, and advice is given in the format at hand. */
#ifndef PORTICO_CONFIG_FORMAT_H
#define PORTICO_CONFIG_FORMAT_H

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* NULL, with every problem that was found reported, if the text has any. */
typedef struct value_tree *format_parser(const char *file, struct span text,
                                         struct problems *problems);

/* Phrases. In each, @ stands for the name that it is about, and # for a value. */
struct format_words {
    const char *list, *table, *null; /* types: "a list", "a table", "null" */
    const char *section[2];          /* a section's name; of one that is a list */
    const char *belongs[2];          /* where a key belongs: a section; one that is a list */
    const char *add;                 /* how to add the key @ with the value # */
    const char *write[2];            /* how to write the section @; one that is a list */
    const char *first_route;         /* the lines of the smallest configuration */
};

struct format {
    const char *name;     /* for --format, and what file names end in behind a dot */
    const char *title;    /* in a sentence */
    format_parser *parse; /* of a text that a NUL follows; values of JSON have no places */
    struct format_words words;
};

extern const struct format format_toml, format_json, format_yaml;

/* The format of that name ("toml", "json", "yaml"), or NULL. */
const struct format *format_named(const char *name);

/* The one that the name of a file ends in; TOML when it ends in none. */
const struct format *format_of(const char *path);

/* The text does not parse. If it is plainly something else, of another of these formats or of
 * another program, says that in place of the problems found. */
void format_check_other(const struct format *format, const char *file, struct span text,
                        struct problems *problems);

/* A phrase with its @ and # replaced (`value` may be NULL). Returns `out`. */
#define FORMAT_PHRASE 256u
const char *format_say(const char *phrase, const char *name, const char *value,
                       char out[FORMAT_PHRASE]);

/* "a string", "an integer", …: value_type_name in the words of the format. */
const char *format_type_name(const struct format *format, enum value_type type);

#endif
