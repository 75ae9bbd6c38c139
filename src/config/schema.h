/* The schema: every key of the configuration file and every variable of the environment, as
 * tables. Validation, defaults, did-you-mean, `portico help KEY`, config/reference.md and
 * config/schema.json come from them. */
#ifndef PORTICO_CONFIG_SCHEMA_H
#define PORTICO_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* What a setting holds, which decides how it is written, checked and stored. */
enum setting_type {
    SETTING_DURATION,  /* "10s"; int64_t, microseconds */
    SETTING_COUNT,     /* 10; unsigned */
    SETTING_FLAG,      /* true; bool */
    SETTING_HOST,      /* "app.example.com"; char * */
    SETTING_UPSTREAM,  /* "127.0.0.1:8080"; char *, and what it consists of, in the route */
    SETTING_CHOICE,    /* "acme": one of the choices; an enum, their number */
    SETTING_EMAIL,     /* "you@example.com"; char * */
    SETTING_FIELD,     /* "Basic dXNlcjpwYXNz", a value of a field of HTTP; char * */
    SETTING_PATH,      /* "/run/portico"; char * */
    SETTING_ADDRESSES, /* ["0.0.0.0", "::"]; char **, NULL-terminated */
    SETTING_NETWORKS   /* ["10.0.0.0/8"]; char **, NULL-terminated */
};

/* What is common to the settings of a type. */
struct setting_form {
    const char *name;    /* "duration" */
    const char *help;    /* how it is written: half a sentence */
    const char *pattern; /* for the text, or for each item of a list: a regular expression that
                            every valid one matches, and few others do. Written in what all
                            dialects (ECMA-262, Rust, Python, POSIX extended) have in common.
                            NULL: none */
};
#define SETTING_TYPE_COUNT 11u
/* The longest path of a SETTING_PATH: all of them are directories of sockets so far, and a
 * socket's path has 107 bytes. */
#define SCHEMA_PATH_MAX 94
/* The most items of a SETTING_ADDRESSES: on each of them two listeners are opened. */
#define SCHEMA_ADDRESSES_MAX 16
extern const struct setting_form schema_forms[SETTING_TYPE_COUNT]; /* by enum setting_type */

/* A table of the file. */
struct section {
    const char *name;
    bool is_list; /* [[name]], any number of times; else [name], once */
    const char *help;
};

/* A key of a section. */
struct setting {
    const char *section;
    const char *name;
    enum setting_type type;
    size_t offset; /* of the member: in struct config_route for routes, else in struct config */
    bool is_required;
    bool is_secret;       /* not to be shown wherever the configuration is; "file:PATH" takes it
                             from a file */
    bool needs_restart;   /* fixed once Portico has started */
    const char *fallback; /* the default as one would write it, without quotes, lists separated
                             by spaces; NULL: none */
    const char *const *choices; /* words in the order of the enum, then NULL */
    int64_t min, max;           /* durations (in microseconds) and counts */
    const char *unit;           /* of a number; NULL: none, or part of the value */
    const char *example; /* a value as it stands in the file; in JSON it would look the same */
    const char *help;    /* sentences; the first one says what it is */
};

enum variable_type { VARIABLE_PORT, VARIABLE_PATH };

/* A variable of the environment. */
struct variable {
    const char *name;
    enum variable_type type;
    size_t offset; /* in struct config; of CONFIG_PATH none */
    const char *fallback;
    unsigned min; /* ports */
    const char *help;
};

extern const struct section schema_sections[];
extern const size_t schema_section_count;
extern const struct setting schema_settings[];
extern const size_t schema_setting_count;
extern const struct variable schema_variables[];
extern const size_t schema_variable_count;

/* The default as it would stand in the file (`"10s"`, `512`, `["0.0.0.0", "::"]`), or NULL when
 * there is none. Returns `out`. */
#define SCHEMA_VALUE 64u
const char *schema_default(const struct setting *setting, char out[SCHEMA_VALUE]);

/* The names of enum cert_type and of enum log_level in their order, then NULL. */
extern const char *const schema_cert_types[], *const schema_log_levels[];

/* A setting's choices in quotation marks, as in a sentence: with commas, and "or" before the last.
 * Returns `out`. */
#define SCHEMA_CHOICES 96u
const char *schema_choices(const struct setting *setting, char out[SCHEMA_CHOICES]);

/* What Portico calls a key, or a kind of certificate, that other servers know by the name of
 * `word`; NULL when there is nothing. */
const char *schema_alias(struct span word);

/* Is it a key that other servers have for a port to listen on? */
bool schema_is_port(struct span key);

const struct section *schema_section(struct span name);                                /* or NULL */
const struct setting *schema_setting(const struct section *section, struct span name); /* or NULL */

/* Some section that has a key of that name, or NULL. */
const struct section *schema_section_of(struct span key);

#endif
