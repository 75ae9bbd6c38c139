/* Loading: what the file's sections and keys, the defaults and the environment say, into a
 * configuration.
 *
 * Whoever loads (main, admin) runs this; nothing is shared. Each key of the schema gets its
 * default, and then what the file says; whatever the schema does not know is a problem. It never
 * stops at the first one. What a problem makes unreadable is not reported as missing, and what is
 * nearly the name of a key or a section is taken for meant. */
#include "config/load.h"

#include <stdlib.h>

#include "config/environment.h"
#include "config/review.h"
#include "config/schema.h"
#include "config/setting_report.h"
#include "config/suggest.h"

/* Where a route was written. */
struct route_source {
    const struct value *host; /* in the tree; NULL: unreadable */
    char *pointer;            /* JSON pointer of its table */
};

struct loader {
    struct config *config;
    struct setting_context *context;
    struct route_source *sources; /* of each route; in the tree's memory */
};

/* ---- Words ---- */

static const struct format_words *words_of(const struct loader *loader)
{
    return &loader->context->format->words;
}

/* "an object" without its article. */
static const char *noun(const char *phrase)
{
    return strchr(phrase, ' ') + 1;
}

/* Gives a phrase of the format as the hint of an error. */
static void hint(struct err *err, const char *phrase, const char *name, const char *value)
{
    char text[FORMAT_PHRASE];
    err_hint(err, "%s", format_say(phrase, name, value, text));
}

/* ---- Sections and keys ---- */

static void unknown_key(struct loader *loader, const struct section *section,
                        const struct value_entry *entry)
{
    char key[ERR_QUOTE], name[FORMAT_PHRASE];
    struct err *err = problems_add(
        loader->context->problems, PROBLEM_UNKNOWN_KEY, loader->context->file, entry->line,
        entry->column, "\"%s\" is no key of %s; one that Portico knows was expected",
        problems_quote_key(entry->key, key),
        format_say(words_of(loader)->section[section->is_list], section->name, NULL, name));
    if (err == NULL)
        return; /* one of very many: spare the search */
    struct suggest suggest = {.word = entry->key};
    for (size_t i = 0; i < schema_setting_count; i++)
        if (strcmp(schema_settings[i].section, section->name) == 0)
            suggest_offer(&suggest, schema_settings[i].name);
    const struct section *other = schema_section_of(entry->key);
    const char *alias = schema_alias(entry->key);
    if (alias && schema_setting(section, span_str(alias)))
        err_hint(err, "write \"%s\"", alias);
    else if (!section->is_list && schema_is_port(entry->key))
        err_hint(err, "the ports come from HTTP_PORT and HTTPS_PORT in the environment");
    else if (other)
        hint(err, words_of(loader)->under[other->is_list], other->name, NULL);
    else if (suggest.best)
        err_hint(err, "did you mean \"%s\"?", suggest.best);
}

static void missing_key(struct loader *loader, const struct setting *setting,
                        const struct value *table)
{
    const struct format_words *words = words_of(loader);
    const struct section *section = schema_section(span_str(setting->section));
    char name[FORMAT_PHRASE];
    struct err *err = problems_add(
        loader->context->problems, PROBLEM_MISSING_KEY, loader->context->file, table->line,
        table->column, "this %s has no \"%s\"; each of %s needs one", noun(words->table),
        setting->name, format_say(words->section[section->is_list], section->name, NULL, name));
    hint(err, words->add, setting->name, setting->example);
}

#define MISSPELT_MAX 1000u /* entries that are compared: more are no slip */

/* Does the table hold some unknown key that was probably meant to be `setting`? */
static bool is_misspelt(const struct section *section, const struct value_table *table,
                        const struct setting *setting)
{
    for (uint32_t i = 0; i < table->count && i < MISSPELT_MAX; i++) {
        struct suggest suggest = {.word = table->entries[i].key};
        const char *alias = schema_alias(table->entries[i].key);
        suggest_offer(&suggest, setting->name);
        if (schema_setting(section, table->entries[i].key) == NULL &&
            (suggest.best || (alias && strcmp(alias, setting->name) == 0)))
            return true;
    }
    return false;
}

/* Fills `object` from the keys of `table` (NULL: none) and the defaults. */
static void load_section(struct loader *loader, const struct section *section, void *object,
                         const struct value *value)
{
    const struct value_table *table = value ? value->table : NULL;
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, section->name) != 0)
            continue;
        setting_apply_default(setting, object, loader->context);
        const struct value_entry *entry =
            table ? value_table_find(table, span_str(setting->name)) : NULL;
        if (entry) {
            size_t mark = problems_enter(loader->context->problems, entry->key);
            setting_apply(setting, object, &entry->value, loader->context);
            problems_leave(loader->context->problems, mark);
        } else if (table && setting->is_required && !table->is_damaged &&
                   !is_misspelt(section, table, setting))
            missing_key(loader, setting, value);
    }
    for (uint32_t i = 0; table && i < table->count && !problems_is_full(loader->context->problems);
         i++)
        if (schema_setting(section, table->entries[i].key) == NULL) {
            size_t mark = problems_enter(loader->context->problems, table->entries[i].key);
            unknown_key(loader, section, &table->entries[i]);
            problems_leave(loader->context->problems, mark);
        }
}

static void load_route(struct loader *loader, const struct section *section,
                       const struct value *table)
{
    struct config *config = loader->config;
    struct config_route *route = &config->routes[config->route_count];
    *route = (struct config_route){.line = table->line};
    load_section(loader, section, route, table);
    const struct value_entry *host = value_table_find(table->table, SPAN("host"));
    struct span pointer = span_str(loader->context->problems->pointer);
    if (host)
        route->line = host->value.line;
    loader->sources[config->route_count++] = (struct route_source){
        .host = route->host && host ? &host->value : NULL,
        .pointer = value_copy(config->tree, pointer, &pointer) ? (char *)pointer.data : NULL};
}

/* Makes room for `count` more. False, with the problem, when out of memory. */
static bool grow_routes(struct loader *loader, size_t count)
{
    struct config *config = loader->config;
    size_t before = config->route_count, room = before + count + 1;
    struct config_route *routes = value_alloc(config->tree, room * sizeof *routes);
    struct route_source *sources = value_alloc(config->tree, room * sizeof *sources);
    if (routes == NULL || sources == NULL) {
        problems_add(loader->context->problems, PROBLEM_MEMORY, loader->context->file, 0, 0,
                     "out of memory");
        return false;
    }
    if (before) {
        memcpy(routes, config->routes, before * sizeof *routes);
        memcpy(sources, loader->sources, before * sizeof *sources);
    }
    config->routes = routes;
    loader->sources = sources;
    return true;
}

/* The routes of a list of tables, or of a single table. */
static void load_routes_of(struct loader *loader, const struct section *section,
                           const struct value *value)
{
    uint32_t count = value->type == VALUE_ARRAY ? value->array->count : 1;
    size_t mark = strlen(loader->context->problems->pointer);
    if (!grow_routes(loader, count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct value *item = value->type == VALUE_ARRAY ? &value->array->items[i] : value;
        if (value->type == VALUE_ARRAY)
            problems_enter_item(loader->context->problems, i);
        if (item->type == VALUE_TABLE)
            load_route(loader, section, item);
        else if (item->type != VALUE_BAD)
            problems_add(loader->context->problems, PROBLEM_WRONG_TYPE, loader->context->file,
                         item->line, item->column, "this item of \"%s\" is %s; %s was expected",
                         section->name, format_type_name(loader->context->format, item->type),
                         words_of(loader)->table);
        problems_leave(loader->context->problems, mark);
    }
}

static void load_routes(struct loader *loader, const struct section *section,
                        const struct value *value)
{
    const struct format_words *words = words_of(loader);
    if (value->type != VALUE_ARRAY) {
        struct err *err = problems_add(
            loader->context->problems, PROBLEM_WRONG_TYPE, loader->context->file, value->line,
            value->column, "\"%s\" is %s%s; a list of %ss was expected", section->name,
            value->type == VALUE_TABLE ? "a single " : "",
            value->type == VALUE_TABLE ? noun(words->table)
                                       : format_type_name(loader->context->format, value->type),
            noun(words->table));
        hint(err, words->write_list, section->name, NULL);
    }
    if (value->type == VALUE_ARRAY || value->type == VALUE_TABLE)
        load_routes_of(loader, section, value);
}

static void load_table(struct loader *loader, const struct section *section,
                       const struct value *value)
{
    if (value && value->type == VALUE_BAD)
        value = NULL;
    if (value && value->type != VALUE_TABLE) {
        struct err *err = problems_add(
            loader->context->problems, PROBLEM_WRONG_TYPE, loader->context->file, value->line,
            value->column, "\"%s\" is %s; a single %s was expected", section->name,
            format_type_name(loader->context->format, value->type), noun(words_of(loader)->table));
        hint(err, words_of(loader)->write_single, section->name, NULL);
        value = NULL;
    }
    load_section(loader, section, loader->config, value);
}

/* Checks the keys of an unknown section as those of the section it was meant to be, so that
 * all problems come in one go. */
static void load_as(struct loader *loader, const struct section *section, const struct value *value)
{
    if (section->is_list) {
        load_routes_of(loader, section, value);
        return;
    }
    uint32_t count = value->type == VALUE_ARRAY ? value->array->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct value *item = value->type == VALUE_ARRAY ? &value->array->items[i] : value;
        size_t mark = strlen(loader->context->problems->pointer);
        if (value->type == VALUE_ARRAY)
            problems_enter_item(loader->context->problems, i);
        if (item->type == VALUE_TABLE)
            load_section(loader, section, loader->config, item);
        problems_leave(loader->context->problems, mark);
    }
}

static void unknown_section(struct loader *loader, const struct value_entry *entry)
{
    const struct format_words *words = words_of(loader);
    char key[ERR_QUOTE], name[FORMAT_PHRASE];
    struct suggest suggest = {.word = entry->key};
    const struct section *other = schema_section_of(entry->key);
    bool is_table = entry->value.type == VALUE_TABLE || entry->value.type == VALUE_ARRAY;
    for (size_t i = 0; i < schema_section_count; i++)
        suggest_offer(&suggest, schema_sections[i].name);
    struct err *err;
    problems_quote_key(entry->key, key);
    if (is_table && !other)
        err =
            problems_add(loader->context->problems, PROBLEM_UNKNOWN_SECTION, loader->context->file,
                         entry->line, entry->column, "there is no %s \"%s\"; %s was expected",
                         words->section_noun, key, words->all_sections);
    else
        err =
            problems_add(loader->context->problems, PROBLEM_UNKNOWN_SECTION, loader->context->file,
                         entry->line, entry->column, "\"%s\" %s", key, words->outside);
    if (other)
        hint(err, words->move[other->is_list], other->name, NULL);
    else if (suggest.best)
        err_hint(err, "did you mean %s?",
                 format_say(words->section[schema_section(span_str(suggest.best))->is_list],
                            suggest.best, NULL, name));
    if (is_table && !other && suggest.best)
        load_as(loader, schema_section(span_str(suggest.best)), &entry->value);
}

/* ---- The whole ---- */

static int compare_hosts(const void *a, const void *b, void *routes)
{
    const struct config_route *x = (const struct config_route *)routes + *(const size_t *)a;
    const struct config_route *y = (const struct config_route *)routes + *(const size_t *)b;
    if (x->host == NULL || y->host == NULL)
        return (x->host == NULL) - (y->host == NULL);
    int order = strcmp(x->host, y->host);
    return order ? order : (x > y) - (x < y);
}

/* What follows is about the route of that index, until problems_leave(..., 0). */
static void enter_route(struct loader *loader, size_t index)
{
    struct problems *problems = loader->context->problems;
    const char *pointer = loader->sources[index].pointer;
    snprintf(problems->pointer, sizeof problems->pointer, "%s", pointer ? pointer : "");
}

/* Each host has one route: reports the others, with the first one's line. */
static void check_duplicates(struct loader *loader)
{
    struct config *config = loader->config;
    size_t *order = value_alloc(config->tree, (config->route_count + 1) * sizeof *order);
    if (order == NULL) {
        problems_add(loader->context->problems, PROBLEM_MEMORY, loader->context->file, 0, 0,
                     "out of memory");
        return;
    }
    for (size_t i = 0; i < config->route_count; i++)
        order[i] = i;
    qsort_r(order, config->route_count, sizeof *order, compare_hosts, config->routes);
    size_t first = 0;
    for (size_t i = 1; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[order[i]];
        const struct config_route *before = &config->routes[order[first]];
        if (route->host == NULL)
            break;
        if (strcmp(route->host, before->host) != 0) {
            first = i;
            continue;
        }
        const struct value *host = loader->sources[order[i]].host;
        char quoted[ERR_QUOTE];
        enter_route(loader, order[i]);
        problems_enter(loader->context->problems, SPAN("host"));
        struct err *err = problems_add(
            loader->context->problems, PROBLEM_DUPLICATE_HOST, loader->context->file, host->line,
            host->column, "\"%s\" has a route already, on line %u; each host was expected once",
            setting_report_quote(host, route->host, quoted), before->line);
        err_hint(err, "remove one of the two");
        problems_leave(loader->context->problems, 0);
    }
}

/* Was the missing section meant by something unknown at the top of the file? */
static bool is_meant(const struct value_table *root, const struct section *section)
{
    for (uint32_t i = 0; i < root->count && i < MISSPELT_MAX; i++) {
        struct suggest suggest = {.word = root->entries[i].key};
        suggest_offer(&suggest, section->name);
        if (suggest.best || schema_section_of(root->entries[i].key) == section)
            return true;
    }
    return false;
}

static void load_root(struct loader *loader)
{
    const struct value_table *root = loader->config->tree->root;
    for (size_t i = 0; i < schema_section_count; i++) {
        const struct section *section = &schema_sections[i];
        const struct value_entry *entry = value_table_find(root, span_str(section->name));
        if (entry)
            problems_enter(loader->context->problems, entry->key);
        if (!section->is_list)
            load_table(loader, section, entry ? &entry->value : NULL);
        else if (entry && entry->value.type != VALUE_BAD)
            load_routes(loader, section, &entry->value);
        else if (!entry && !root->is_damaged && !is_meant(root, section))
            err_hint(problems_add(loader->context->problems, PROBLEM_NO_ROUTE,
                                  loader->context->file, 0, 0,
                                  "there is no route; at least one was expected"),
                     "begin with these lines:\n%s", words_of(loader)->first_route);
        if (entry && section->is_list && entry->value.type == VALUE_ARRAY &&
            entry->value.array->count == 0)
            problems_add(loader->context->problems, PROBLEM_NO_ROUTE, loader->context->file,
                         entry->value.line, entry->value.column,
                         "\"%s\" is empty; at least one was expected", section->name);
        problems_leave(loader->context->problems, 0);
    }
    for (uint32_t i = 0; i < root->count && !problems_is_full(loader->context->problems); i++)
        if (schema_section(root->entries[i].key) == NULL) {
            problems_enter(loader->context->problems, root->entries[i].key);
            unknown_section(loader, &root->entries[i]);
            problems_leave(loader->context->problems, 0);
        }
    check_duplicates(loader);
}

/* What is right, but can hardly be meant. */
static void review(struct loader *loader)
{
    for (size_t i = 0; i < loader->config->route_count; i++) {
        enter_route(loader, i);
        problems_enter(loader->context->problems, SPAN("host"));
        review_route(&loader->config->routes[i], loader->sources[i].host, loader->context);
        problems_leave(loader->context->problems, 0);
    }
}

void config_fill(struct config *config, struct setting_context *context)
{
    struct loader loader = {.config = config, .context = context};
    load_root(&loader);
    environment_load(config, context->problems);
    if (!problems_has_errors(context->problems))
        review(&loader);
}
