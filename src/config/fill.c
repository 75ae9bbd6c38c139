/* This file fills a configuration from the sections and keys of its file, the defaults and the
 * environment.
 *
 * Whoever loads (main, admin) runs this; nothing is shared. Each key of the schema gets its
 * default, and then what the file says; whatever the schema does not know is a problem. It never
 * stops at the first one. A name that is nearly that of a key or a section is taken for a slip. */
#include "config/fill.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/check.h"
#include "config/review.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "format/toml_parse.h"

struct loader {
    const struct section *file; /* the section that is the whole file */
    char *object;               /* its struct */
    struct setting_context *context;
    const struct format_words *words;
};

static void load_section(struct loader *loader, const struct section *section, void *parent,
                         const struct value *value);
static void load_table(struct loader *loader, const struct section *section, void *object,
                       const struct value *value);

/* ---- Words ---- */

/* "an object" without its article. */
static const char *noun(const char *phrase)
{
    return strchr(phrase, ' ') + 1;
}

/* The section's name where the file would have it: TOML has the whole path there. */
static const char *name_of(const struct loader *loader, const struct section *section)
{
    return loader->context->format == &format_toml ? section->path : schema_name(section);
}

static struct err *problem(struct loader *loader, enum problem_code code, unsigned line,
                           unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static struct err *problem(struct loader *loader, enum problem_code code, unsigned line,
                           unsigned column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct err *err = problems_vadd(loader->context->problems, code, loader->context->file, line,
                                    column, format, args);
    va_end(args);
    return err;
}

/* Gives a phrase of the format as the hint of an error. */
static void hint(struct err *err, const char *phrase, const char *name, const char *value)
{
    char text[FORMAT_PHRASE];
    err_hint(err, "%s", format_say(phrase, name, value, text));
}

/* "[[routes]]", or whatever the format calls it. */
static const char *section_phrase(const struct loader *loader, const struct section *section,
                                  char out[FORMAT_PHRASE])
{
    return format_say(loader->words->section[section->is_list], section->path, NULL, out);
}

/* All that may stand at the top of the file: "[[routes]], [server] or [acme]". */
static const char *all_sections(const struct loader *loader, char out[FORMAT_PHRASE])
{
    char name[FORMAT_PHRASE];
    size_t len = 0;
    for (const struct section *section = schema_next(loader->file, NULL), *next; section;
         section = next) {
        next = schema_next(loader->file, section);
        len += (size_t)snprintf(out + len, FORMAT_PHRASE - len, "%s%s",
                                len == 0 ? ""
                                : next   ? ", "
                                         : " or ",
                                section_phrase(loader, section, name));
    }
    return out;
}

/* ---- Keys that are wrong or missing ---- */

#define MISSPELT_MAX 1000u /* entries that are compared: more are no slip */

static bool is_known(const struct section *section, struct span key)
{
    return schema_setting(section, key) || schema_section(section, key);
}

/* Does the table hold an unknown key that was probably meant to be `name`, or to be in the section
 * of that name? */
static bool is_meant(const struct section *section, const struct value_table *table,
                     const char *name)
{
    const struct section *wanted = schema_section(section, span_str(name));
    const struct value_entry *entry = table->first;
    for (unsigned i = 0; entry && i < MISSPELT_MAX; i++, entry = entry->next) {
        struct span key = entry->key;
        struct suggest suggest = {.word = key};
        const char *alias = suggest_alias(key);
        suggest_offer(&suggest, name);
        if (!is_known(section, key) && (suggest.best || (alias && strcmp(alias, name) == 0) ||
                                        (wanted && schema_setting(wanted, key))))
            return true;
    }
    return false;
}

/* The section or setting that the key is probably meant to be, or NULL. */
static const char *near_name(const struct section *section, struct span key)
{
    struct suggest suggest = {.word = key};
    const struct section *in = NULL;
    const char *alias = suggest_alias(key);
    if (alias && schema_setting(section, span_str(alias)))
        return alias;
    for (const struct setting *setting = section->settings; setting->name; setting++)
        suggest_offer(&suggest, setting->name);
    while ((in = schema_next(section, in)) != NULL)
        suggest_offer(&suggest, schema_name(in));
    return suggest.best;
}

static void unknown_key(struct loader *loader, const struct section *section,
                        const struct value_entry *entry, bool is_table, const char *near)
{
    const struct section *other = schema_owner(section, entry->key);
    const struct section *meant = near ? schema_section(section, span_str(near)) : NULL;
    char key[ERR_QUOTE], text[FORMAT_PHRASE];
    enum problem_code code = PROBLEM_UNKNOWN_SECTION;
    struct err *err;
    if (other == NULL)
        other = schema_owner(loader->file, entry->key);
    problems_quote_key(entry->key, key);
    if (section != loader->file)
        err = problem(loader, PROBLEM_UNKNOWN_KEY, entry->line, entry->column,
                      "\"%s\" is no key of %s; one that Portico knows was expected", key,
                      section_phrase(loader, section, text));
    else if (is_table && !other)
        err =
            problem(loader, code, entry->line, entry->column,
                    "there is no section \"%s\"; %s was expected", key, all_sections(loader, text));
    else
        err = problem(loader, code, entry->line, entry->column,
                      "\"%s\" stands outside of every section; it was expected inside of one", key);
    if (!section->is_list && suggest_is_port(entry->key))
        err_hint(err, "the ports come from HTTP_PORT and HTTPS_PORT in the environment");
    else if (other)
        hint(err, loader->words->belongs[other->is_list], name_of(loader, other), NULL);
    else if (near)
        err_hint(err, meant ? "did you mean %s?" : "did you mean \"%s\"?",
                 meant ? section_phrase(loader, meant, text) : near);
}

/* What nobody knows. A section that is nearly one of Portico's is checked as that one, so that all
 * problems come in one go; what it says is not kept. */
static void load_unknown(struct loader *loader, const struct section *section,
                         const struct value_entry *entry)
{
    bool is_table = entry->value.type == VALUE_TABLE || entry->value.type == VALUE_ARRAY;
    const char *near = near_name(section, entry->key);
    const struct section *meant = near ? schema_section(section, span_str(near)) : NULL;
    unknown_key(loader, section, entry, is_table, near);
    if (meant == NULL || !is_table || schema_owner(loader->file, entry->key))
        return;
    void *scratch = value_alloc(loader->context->tree, section->size);
    if (scratch)
        load_section(loader, meant, memset(scratch, 0, section->size), &entry->value);
}

static void missing_key(struct loader *loader, const struct section *section,
                        const struct setting *setting, const struct value *table)
{
    char name[FORMAT_PHRASE];
    struct err *err =
        problem(loader, PROBLEM_MISSING_KEY, table->line, table->column,
                "this %s has no \"%s\"; each of %s needs one", noun(loader->words->table),
                setting->name, section_phrase(loader, section, name));
    hint(err, loader->words->add, setting->name, setting_example(setting));
}

/* ---- Sections ---- */

/* The defaults of a section are read as a file would have them, but for those that it inherits. */
static void load_defaults(struct loader *loader, const struct section *section, void *object)
{
    struct setting_context *context = loader->context;
    char text[1024] = "";
    size_t len = 0;
    if (section->inherits) {
        memcpy(object, loader->object + section->inherits->offset, section->size);
        return;
    }
    for (const struct setting *setting = section->settings; setting->name; setting++)
        if (setting->fallback)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s = %s\n", setting->name,
                                    setting->fallback);
    check(len < sizeof text);
    struct value_tree *tree = toml_parse("", span_make(text, len), context->problems);
    for (const struct value_entry *entry = tree ? tree->root->first : NULL; entry;
         entry = entry->next)
        setting_apply(schema_setting(section, entry->key), object, &entry->value, context);
    value_tree_free(tree);
}

/* The items of a list of tables, or a single table. */
static void load_items(struct loader *loader, const struct section *section, void *parent,
                       const struct value *value)
{
    struct problems *problems = loader->context->problems;
    bool is_list = value->type == VALUE_ARRAY;
    size_t mark = strlen(problems->pointer), count = is_list ? value->table->count : 1;
    char *items = value_alloc(loader->context->tree, (count + 1) * section->size);
    if (items == NULL) {
        problem(loader, PROBLEM_MEMORY, 0, 0, "out of memory");
        return;
    }
    *(char **)((char *)parent + section->offset) = items;
    *(size_t *)((char *)parent + section->count_offset) = count;
    memset(items, 0, section->size);
    load_defaults(loader, section, items);
    for (size_t i = 1; i < count; i++)
        memcpy(items + i * section->size, items, section->size);
    const struct value_entry *entry = is_list ? value->table->first : NULL;
    for (size_t i = 0; i < count; i++, entry = entry ? entry->next : NULL) {
        const struct value *item = is_list ? &entry->value : value;
        if (is_list)
            problems_enter_item(problems, i);
        if (item->type == VALUE_TABLE)
            load_table(loader, section, items + i * section->size, item);
        else
            problem(loader, PROBLEM_WRONG_TYPE, item->line, item->column,
                    "this item of \"%s\" is %s; %s was expected", schema_name(section),
                    format_type_name(loader->context->format, item->type), loader->words->table);
        problems_leave(problems, mark);
    }
}

/* What the file says about the section, if it does. */
static void load_section(struct loader *loader, const struct section *section, void *parent,
                         const struct value *value)
{
    bool is_table = value && value->type == VALUE_TABLE;
    bool is_array = value && value->type == VALUE_ARRAY;
    if (value && (section->is_list ? !is_array : !is_table)) {
        const char *table = noun(loader->words->table);
        struct err *err =
            problem(loader, PROBLEM_WRONG_TYPE, value->line, value->column,
                    "\"%s\" is %s; a %s%s%s was expected", schema_name(section),
                    format_type_name(loader->context->format, value->type),
                    section->is_list ? "list of " : "single ", table, section->is_list ? "s" : "");
        hint(err, loader->words->write[section->is_list], name_of(loader, section), NULL);
    }
    if (section->is_list) {
        if (is_table || is_array)
            load_items(loader, section, parent, value);
        return;
    }
    void *object = (char *)parent + section->offset;
    load_defaults(loader, section, object);
    load_table(loader, section, object, is_table ? value : NULL);
}

/* The sections of the section: first tables, then lists, whose own sections may inherit from the
 * tables. */
static void load_children(struct loader *loader, const struct section *section, void *object,
                          const struct value_table *table)
{
    struct problems *problems = loader->context->problems;
    for (unsigned lists = 0; lists <= 1; lists++)
        for (const struct section *in = NULL; (in = schema_next(section, in)) != NULL;) {
            const char *name = schema_name(in);
            const struct value_entry *entry =
                table ? value_table_find(table, span_str(name)) : NULL;
            if (in->is_list != (lists == 1))
                continue;
            size_t mark = entry ? problems_enter(problems, entry->key) : strlen(problems->pointer);
            load_section(loader, in, object, entry ? &entry->value : NULL);
            bool is_empty = entry ? entry->value.type == VALUE_ARRAY && !entry->value.table->count
                                  : table && !is_meant(section, table, name);
            if (in->is_required && is_empty)
                err_hint(problem(loader, PROBLEM_NO_ROUTE, entry ? entry->value.line : 0,
                                 entry ? entry->value.column : 0,
                                 "there is no route; at least one was expected"),
                         "begin with these lines:\n%s", loader->words->first_route);
            problems_leave(problems, mark);
        }
}

/* Fills `object`, which has its defaults, from the keys of a table (NULL: there is none). */
static void load_table(struct loader *loader, const struct section *section, void *object,
                       const struct value *value)
{
    struct problems *problems = loader->context->problems;
    const struct value_table *table = value ? value->table : NULL;
    for (const struct setting *setting = section->settings; setting->name; setting++) {
        const struct value_entry *entry =
            table ? value_table_find(table, span_str(setting->name)) : NULL;
        if (entry) {
            size_t mark = problems_enter(problems, entry->key);
            setting_apply(setting, object, &entry->value, loader->context);
            problems_leave(problems, mark);
        } else if (table && setting->is_required && !is_meant(section, table, setting->name)) {
            missing_key(loader, section, setting, value);
        }
    }
    load_children(loader, section, object, table);
    const struct value_entry *entry = table ? table->first : NULL;
    for (; entry && !problems_is_full(problems); entry = entry->next)
        if (!is_known(section, entry->key)) {
            size_t mark = problems_enter(problems, entry->key);
            load_unknown(loader, section, entry);
            problems_leave(problems, mark);
        }
}

/* ---- The whole ---- */

void fill_sections(const struct section *file, void *object, struct setting_context *context)
{
    struct loader loader = {
        .file = file, .object = object, .context = context, .words = &context->format->words};
    const struct value whole = {.type = VALUE_TABLE, .table = context->tree->root};
    load_table(&loader, file, object, &whole);
}

/* The ports and directories that come from variables and not from the file. */
static void load_environment(struct config *config, struct setting_context *context)
{
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        if (variable->offset)
            setting_apply_variable(variable, config, context);
    if (config->http_port && config->http_port == config->https_port)
        problems_add(context->problems, PROBLEM_BAD_PORT, NULL, 0, 0,
                     "HTTP_PORT and HTTPS_PORT are both %u; two different ports were expected",
                     config->http_port);
}

void config_fill(struct config *config, struct setting_context *context)
{
    fill_sections(schema_sections, config, context);
    config->table = route_table_new(config->routes, config->route_count);
    if (config->table)
        review_duplicates(config, context->problems);
    else
        problems_add(context->problems, PROBLEM_MEMORY, context->file, 0, 0, "out of memory");
    load_environment(config, context);
    if (!problems_has_errors(context->problems))
        review_routes(config, context->problems);
}
