/* The configuration: read, parsed, checked against the schema, completed from the environment
 * and the defaults.
 *
 * Whoever loads (main) runs this; the finished configuration is immutable and may be shared.
 * Loading never stops at the first problem. What a problem makes unreadable is not reported as
 * missing.
 *
 * Invariants:
 *   1. Everything a configuration points to lies in its tree's memory (but for the route
 *      table), so that one release frees all, at any stage of loading.
 *   2. The gauge config_refs is the sum of all references. */
#include "config/config.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/metrics.h"
#include "config/config_mask.h"
#include "config/config_read.h"
#include "config/review.h"
#include "config/schema.h"
#include "config/secret.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "format/value.h"

#define CONFIG_MAGIC 0xc0f1600du

/* Where a route was written. */
struct route_source {
    const struct value *host; /* in the tree; NULL: unreadable */
    char *pointer;            /* JSON pointer of its table */
};

/* A configuration before it is parsed. All borrowed. */
struct source {
    const char *path;
    const struct notation *notation;
    struct span text;
    mode_t mode; /* of the file; 0: unknown */
};

struct loader {
    struct config *config;
    struct setting_context context;
    struct route_source *sources; /* of each route; in the tree's memory */
};

/* ---- Words ---- */

static const struct notation_words *words_of(const struct loader *loader)
{
    return &loader->context.notation->words;
}

/* "an object" without its article. */
static const char *noun(const char *phrase)
{
    return strchr(phrase, ' ') + 1;
}

/* Gives a phrase of the notation as the hint of an error. */
static void hint(struct err *err, const char *phrase, const char *name, const char *value)
{
    char text[NOTATION_PHRASE];
    err_hint(err, "%s", notation_say(phrase, name, value, text));
}

/* ---- Sections and keys ---- */

static void unknown_key(struct loader *loader, const struct section *section,
                        const struct value_entry *entry)
{
    char key[PROBLEMS_QUOTE], name[NOTATION_PHRASE];
    struct err *err = problems_add(
        loader->context.problems, PROBLEM_UNKNOWN_KEY, loader->context.file, entry->line,
        entry->column, "\"%s\" is no key of %s; one that Portico knows was expected",
        problems_quote(entry->key, key),
        notation_say(words_of(loader)->section[section->is_list], section->name, NULL, name));
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
    const struct notation_words *words = words_of(loader);
    const struct section *section = schema_section(span_str(setting->section));
    char name[NOTATION_PHRASE];
    struct err *err = problems_add(
        loader->context.problems, PROBLEM_MISSING_KEY, loader->context.file, table->line,
        table->column, "this %s has no \"%s\"; each of %s needs one", noun(words->table),
        setting->name, notation_say(words->section[section->is_list], section->name, NULL, name));
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
        setting_apply_default(setting, object, &loader->context);
        const struct value_entry *entry =
            table ? value_table_find(table, span_str(setting->name)) : NULL;
        if (entry) {
            size_t mark = problems_enter(loader->context.problems, entry->key);
            setting_apply(setting, object, &entry->value, &loader->context);
            problems_leave(loader->context.problems, mark);
        } else if (table && setting->is_required && !table->is_damaged &&
                   !is_misspelt(section, table, setting))
            missing_key(loader, setting, value);
    }
    for (uint32_t i = 0; table && i < table->count && !problems_is_full(loader->context.problems);
         i++)
        if (schema_setting(section, table->entries[i].key) == NULL) {
            size_t mark = problems_enter(loader->context.problems, table->entries[i].key);
            unknown_key(loader, section, &table->entries[i]);
            problems_leave(loader->context.problems, mark);
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
    struct span pointer = span_str(loader->context.problems->pointer);
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
        problems_add(loader->context.problems, PROBLEM_MEMORY, loader->context.file, 0, 0,
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
    size_t mark = strlen(loader->context.problems->pointer);
    if (!grow_routes(loader, count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct value *item = value->type == VALUE_ARRAY ? &value->array->items[i] : value;
        if (value->type == VALUE_ARRAY)
            problems_enter_item(loader->context.problems, i);
        if (item->type == VALUE_TABLE)
            load_route(loader, section, item);
        else if (item->type != VALUE_BAD)
            problems_add(loader->context.problems, PROBLEM_WRONG_TYPE, loader->context.file,
                         item->line, item->column, "this item of \"%s\" is %s; %s was expected",
                         section->name, notation_type_name(loader->context.notation, item->type),
                         words_of(loader)->table);
        problems_leave(loader->context.problems, mark);
    }
}

static void load_routes(struct loader *loader, const struct section *section,
                        const struct value *value)
{
    const struct notation_words *words = words_of(loader);
    if (value->type != VALUE_ARRAY) {
        struct err *err = problems_add(
            loader->context.problems, PROBLEM_WRONG_TYPE, loader->context.file, value->line,
            value->column, "\"%s\" is %s%s; a list of %ss was expected", section->name,
            value->type == VALUE_TABLE ? "a single " : "",
            value->type == VALUE_TABLE ? noun(words->table)
                                       : notation_type_name(loader->context.notation, value->type),
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
        struct err *err =
            problems_add(loader->context.problems, PROBLEM_WRONG_TYPE, loader->context.file,
                         value->line, value->column, "\"%s\" is %s; a single %s was expected",
                         section->name, notation_type_name(loader->context.notation, value->type),
                         noun(words_of(loader)->table));
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
        size_t mark = strlen(loader->context.problems->pointer);
        if (value->type == VALUE_ARRAY)
            problems_enter_item(loader->context.problems, i);
        if (item->type == VALUE_TABLE)
            load_section(loader, section, loader->config, item);
        problems_leave(loader->context.problems, mark);
    }
}

static void unknown_section(struct loader *loader, const struct value_entry *entry)
{
    const struct notation_words *words = words_of(loader);
    char key[PROBLEMS_QUOTE], name[NOTATION_PHRASE];
    struct suggest suggest = {.word = entry->key};
    const struct section *other = schema_section_of(entry->key);
    bool is_table = entry->value.type == VALUE_TABLE || entry->value.type == VALUE_ARRAY;
    for (size_t i = 0; i < schema_section_count; i++)
        suggest_offer(&suggest, schema_sections[i].name);
    struct err *err;
    problems_quote(entry->key, key);
    if (is_table && !other)
        err = problems_add(loader->context.problems, PROBLEM_UNKNOWN_SECTION, loader->context.file,
                           entry->line, entry->column, "there is no %s \"%s\"; %s was expected",
                           words->section_noun, key, words->all_sections);
    else
        err = problems_add(loader->context.problems, PROBLEM_UNKNOWN_SECTION, loader->context.file,
                           entry->line, entry->column, "\"%s\" %s", key, words->outside);
    if (other)
        hint(err, words->move[other->is_list], other->name, NULL);
    else if (suggest.best)
        err_hint(err, "did you mean %s?",
                 notation_say(words->section[schema_section(span_str(suggest.best))->is_list],
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
    struct problems *problems = loader->context.problems;
    const char *pointer = loader->sources[index].pointer;
    snprintf(problems->pointer, sizeof problems->pointer, "%s", pointer ? pointer : "");
}

/* Each host has one route: reports the others, with the first one's line. */
static void check_duplicates(struct loader *loader)
{
    struct config *config = loader->config;
    size_t *order = value_alloc(config->tree, (config->route_count + 1) * sizeof *order);
    if (order == NULL) {
        problems_add(loader->context.problems, PROBLEM_MEMORY, loader->context.file, 0, 0,
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
        enter_route(loader, order[i]);
        problems_enter(loader->context.problems, SPAN("host"));
        struct err *err = problems_add(
            loader->context.problems, PROBLEM_DUPLICATE_HOST, loader->context.file, host->line,
            host->column, "\"%s\" has a route already, on line %u; each host was expected once",
            route->host, before->line);
        err_hint(err, "remove one of the two");
        problems_leave(loader->context.problems, 0);
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
            problems_enter(loader->context.problems, entry->key);
        if (!section->is_list)
            load_table(loader, section, entry ? &entry->value : NULL);
        else if (entry && entry->value.type != VALUE_BAD)
            load_routes(loader, section, &entry->value);
        else if (!entry && !root->is_damaged && !is_meant(root, section))
            err_hint(problems_add(loader->context.problems, PROBLEM_NO_ROUTE, loader->context.file,
                                  0, 0, "there is no route; at least one was expected"),
                     "begin with these lines:\n%s", words_of(loader)->first_route);
        if (entry && section->is_list && entry->value.type == VALUE_ARRAY &&
            entry->value.array->count == 0)
            problems_add(loader->context.problems, PROBLEM_NO_ROUTE, loader->context.file,
                         entry->value.line, entry->value.column,
                         "\"%s\" is empty; at least one was expected", section->name);
        problems_leave(loader->context.problems, 0);
    }
    for (uint32_t i = 0; i < root->count && !problems_is_full(loader->context.problems); i++)
        if (schema_section(root->entries[i].key) == NULL) {
            problems_enter(loader->context.problems, root->entries[i].key);
            unknown_section(loader, &root->entries[i]);
            problems_leave(loader->context.problems, 0);
        }
    check_duplicates(loader);
}

/* One variable of the environment, or its default; an empty one counts as not set. */
static void load_variable(struct loader *loader, const struct variable *variable)
{
    const char *text = getenv(variable->name);
    if (text == NULL || *text == '\0')
        text = variable->fallback;
    void *member = (char *)loader->config + variable->offset;
    struct span span = span_str(text);
    if (variable->type == VARIABLE_PORT) {
        char quoted[PROBLEMS_QUOTE];
        uint64_t port;
        if (span_parse_uint(span, 65535, &port) && port >= variable->min)
            *(uint16_t *)member = (uint16_t)port;
        else
            problems_add(loader->context.problems, PROBLEM_BAD_PORT, NULL, 0, 0,
                         "%s in the environment is \"%s\"; a port from %u to 65535 was expected",
                         variable->name, problems_quote(span, quoted), variable->min);
        return;
    }
    while (span.len > 1 && span_has_suffix(span, SPAN("/")))
        span.len--;
    struct span copy;
    if (value_copy(loader->config->tree, span, &copy))
        *(char **)member = (char *)copy.data;
    else
        problems_add(loader->context.problems, PROBLEM_MEMORY, NULL, 0, 0, "out of memory");
}

static void load_environment(struct loader *loader)
{
    struct config *config = loader->config;
    for (size_t i = 0; i < schema_variable_count; i++)
        if (schema_variables[i].offset)
            load_variable(loader, &schema_variables[i]);
    if (config->http_port && config->http_port == config->https_port)
        problems_add(loader->context.problems, PROBLEM_BAD_PORT, NULL, 0, 0,
                     "HTTP_PORT and HTTPS_PORT are both %u; two different ports were expected",
                     config->http_port);
}

static struct config *config_new(const char *path, const struct notation *notation,
                                 struct value_tree *tree)
{
    struct config *config = calloc(1, sizeof *config);
    struct span copy = {0};
    if (config == NULL || !value_copy(tree, span_str(path), &copy)) {
        free(config);
        value_tree_free(tree);
        return NULL;
    }
    config->magic = CONFIG_MAGIC;
    atomic_init(&config->refs, 1);
    config->tree = tree;
    config->path = (char *)copy.data;
    config->notation = notation;
    metrics_add(METRIC_CONFIG_REFS, 1);
    return config;
}

const char *config_file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* What is right, but can hardly be meant. */
static void review(struct loader *loader)
{
    for (size_t i = 0; i < loader->config->route_count; i++) {
        enter_route(loader, i);
        problems_enter(loader->context.problems, SPAN("host"));
        review_route(&loader->config->routes[i], loader->sources[i].host, &loader->context);
        problems_leave(loader->context.problems, 0);
    }
}

/* Everything but reading the file and the table of routes, as far as it goes. NULL only when out of
 * memory. Problems are in no order yet. */
static struct config *assemble(const struct source *source, notation_parser *parse,
                               struct problems *problems)
{
    const char *file = config_file_name(source->path);
    struct value_tree *tree = parse(file, source->text, problems);
    if (tree == NULL)
        return NULL;
    struct config *config = config_new(source->path, source->notation, tree);
    if (config == NULL) {
        problems_add(problems, PROBLEM_MEMORY, file, 0, 0, "out of memory");
        return NULL;
    }
    struct loader loader = {.config = config,
                            .context = {.file = file,
                                        .path = source->path,
                                        .mode = source->mode,
                                        .notation = source->notation,
                                        .tree = tree,
                                        .problems = problems}};
    load_root(&loader);
    load_environment(&loader);
    if (!problems_has_errors(problems))
        review(&loader);
    return config;
}

/* Everything but reading the file. */
static struct config *build(const struct source *source, notation_parser *parse,
                            struct problems *problems)
{
    struct config *config = assemble(source, parse, problems);
    if (config && !problems_has_errors(problems)) {
        config->table = route_table_new(config->routes, config->route_count);
        if (config->table)
            return config;
        problems_add(problems, PROBLEM_MEMORY, config_file_name(source->path), 0, 0,
                     "out of memory");
    }
    config_unref(config);
    return NULL;
}

/* Takes over `text`, which source->text is. Where places cost a second look at the text, it is
 * taken only when there is something to say. */
static struct config *load_owned(const struct source *source, char *text,
                                 struct config_problems *problems)
{
    const struct notation *notation = source->notation;
    bool has_two = notation->parse_placed != NULL, placed = has_two && problems->with_places;
    struct config *config =
        build(source, placed ? notation->parse_placed : notation->parse, &problems->found);
    if (has_two && !placed && !problems_is_empty(&problems->found)) {
        config_unref(config);
        problems_release(&problems->found);
        config = build(source, notation->parse_placed, &problems->found);
    }
    problems_sort(&problems->found);
    secret_wipe(problems->source, problems->source_len);
    problems->source = text;
    problems->source_len = source->text.len;
    config_problems_mask(problems);
    return config;
}

struct config *config_load_text(const char *path, struct span text,
                                struct config_problems *problems)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        problems_add(&problems->found, PROBLEM_MEMORY, path, 0, 0, "out of memory");
        return NULL;
    }
    if (text.len)
        memcpy(copy, text.data, text.len);
    const struct source source = {
        .path = path, .notation = notation_of(path), .text = span_make(copy, text.len)};
    return load_owned(&source, copy, problems);
}

struct config *config_load(const char *path, const struct notation *notation,
                           struct config_problems *problems)
{
    struct source source = {.path = path, .notation = notation ? notation : notation_of(path)};
    char *text = config_read(path, config_file_name(path), source.notation, &source.text.len,
                             &source.mode, &problems->found);
    source.text.data = text;
    return text ? load_owned(&source, text, problems) : NULL;
}

const struct value *config_route_value(const struct config *config, size_t index, struct span key)
{
    const struct value_entry *routes = value_table_find(config->tree->root, SPAN("routes"));
    const struct value *route = &routes->value.array->items[index];
    const struct value_entry *entry = value_table_find(route->table, key);
    return entry ? &entry->value : NULL;
}

struct config *config_peek(const char *path, const struct notation *notation)
{
    struct problems problems = {0};
    struct source source = {.path = path, .notation = notation ? notation : notation_of(path)};
    size_t len = 0;
    char *text =
        config_read(path, config_file_name(path), source.notation, &len, &source.mode, &problems);
    source.text = span_make(text ? text : "", text ? len : 0);
    struct config *config = assemble(&source, source.notation->parse, &problems);
    problems_release(&problems);
    secret_wipe(text, source.text.len);
    return config;
}

/* ---- References ---- */

struct config *config_ref(struct config *config)
{
    check_magic(config, CONFIG_MAGIC);
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    metrics_add(METRIC_CONFIG_REFS, 1);
    return config;
}

void config_unref(struct config *config)
{
    if (config == NULL)
        return;
    check_magic(config, CONFIG_MAGIC);
    metrics_add(METRIC_CONFIG_REFS, -1);
    if (atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
        return;
    config->magic = 0;
    route_table_free(config->table);
    value_tree_free(config->tree);
    free(config);
}
