/* From a configuration to a tree: see config_tree.h. The schema says what there is and of which
 * type; a new setting is here without a line of its own. Holds nothing. */
#include "config/config_tree.h"

#include <string.h>

#include "base/check.h"
#include "config/duration.h"
#include "config/schema.h"
#include "config/secret.h"
#include "config/setting.h"

/* The text as the file would have it: "${" stands for a variable there, and "$${" for itself. */
static bool text_value(struct value_tree *tree, const char *text, struct value *value)
{
    size_t len = strlen(text), used = 0;
    char *copy = value_alloc(tree, 2 * len + 1);
    if (copy == NULL)
        return false;
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '{')
            copy[used++] = '$';
        copy[used++] = *text;
    }
    copy[used] = '\0';
    value->type = VALUE_STRING;
    value->string = span_make(copy, used);
    return true;
}

static bool list_value(struct value_tree *tree, char *const *list, struct value *value)
{
    value->type = VALUE_ARRAY;
    value->array = value_array_new(tree);
    for (; value->array && *list; list++) {
        struct value item = {0};
        if (!text_value(tree, *list, &item) || !value_array_add(tree, value->array, &item))
            return false;
    }
    return value->array != NULL;
}

/* The setting's value in `object`; VALUE_NULL when it has none. False when out of memory. */
static bool value_of(struct value_tree *tree, const struct setting *setting, const void *object,
                     struct value *value)
{
    const void *member = (const char *)object + setting->offset;
    char duration[32];
    *value = (struct value){.type = VALUE_NULL};
    switch (setting->type) {
    case SETTING_DURATION:
        return text_value(tree, duration_format(*(const int64_t *)member, duration), value);
    case SETTING_COUNT:
        value->type = VALUE_INTEGER;
        value->integer = *(const unsigned *)member;
        return true;
    case SETTING_FLAG:
        value->type = VALUE_BOOLEAN;
        value->boolean = *(const bool *)member;
        return true;
    case SETTING_CHOICE:
        return text_value(tree, setting->choices[*(const unsigned *)member], value);
    case SETTING_HOST:
    case SETTING_UPSTREAM:
    case SETTING_EMAIL:
    case SETTING_FIELD:
    case SETTING_PATH: {
        const char *text = *(char *const *)member;
        return text == NULL || text_value(tree, text, value);
    }
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS: {
        char *const *list = *(char *const *const *)member;
        return list == NULL || list_value(tree, list, value);
    }
    }
    return true;
}

static bool is_same(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_STRING:
        return span_eq(a->string, b->string);
    case VALUE_INTEGER:
        return a->integer == b->integer;
    case VALUE_BOOLEAN:
        return a->boolean == b->boolean;
    case VALUE_ARRAY:
        if (a->array->count != b->array->count)
            return false;
        for (uint32_t i = 0; i < a->array->count; i++)
            if (!is_same(&a->array->items[i], &b->array->items[i]))
                return false;
        return true;
    default:
        return true;
    }
}

/* Is it what the setting has when nobody says anything? */
static bool is_default(struct value_tree *tree, const struct setting *setting,
                       const struct value *value)
{
    union {
        struct config config;
        struct config_route route;
    } object = {0};
    struct problems problems = {0};
    struct setting_context context = {
        .file = "", .format = &format_toml, .tree = tree, .problems = &problems};
    struct value fallback;
    bool is_known = setting->fallback && setting_apply_default(setting, &object, &context) == 0 &&
                    value_of(tree, setting, &object, &fallback);
    problems_release(&problems);
    return is_known && is_same(value, &fallback);
}

static bool add_section(struct value_tree *tree, const struct section *section, const void *object,
                        bool with_defaults, struct value_table *table)
{
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        struct value value;
        if (strcmp(setting->section, section->name) != 0)
            continue;
        if (!value_of(tree, setting, object, &value))
            return false;
        if (value.type == VALUE_NULL || (!with_defaults && is_default(tree, setting, &value)))
            continue;
        if (setting->is_secret && !text_value(tree, SECRET_MASK, &value))
            return false;
        if (!value_table_add(tree, table, span_str(setting->name), &value))
            return false;
    }
    return true;
}

static bool add_routes(struct value_tree *tree, const struct section *section,
                       const struct config *config, bool with_defaults)
{
    struct value list = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    for (size_t i = 0; list.array && i < config->route_count; i++) {
        struct value route = {.type = VALUE_TABLE, .table = value_table_new(tree)};
        if (!route.table ||
            !add_section(tree, section, &config->routes[i], with_defaults, route.table) ||
            !value_array_add(tree, list.array, &route))
            return false;
    }
    return list.array && value_table_add(tree, tree->root, span_str(section->name), &list);
}

struct value_tree *config_tree_new(const struct config *config, bool with_defaults)
{
    struct value_tree *tree = value_tree_new();
    bool is_whole = tree != NULL;
    if (tree)
        tree->max = SIZE_MAX; /* with its defaults it may be larger than a file */
    for (size_t i = 0; is_whole && i < schema_section_count; i++) {
        const struct section *section = &schema_sections[i];
        struct value value = {.type = VALUE_TABLE};
        if (section->is_list) {
            is_whole = add_routes(tree, section, config, with_defaults);
            continue;
        }
        value.table = value_table_new(tree);
        is_whole = value.table && add_section(tree, section, config, with_defaults, value.table);
        if (is_whole && value.table->count)
            is_whole = value_table_add(tree, tree->root, span_str(section->name), &value) != NULL;
    }
    if (is_whole)
        return tree;
    value_tree_free(tree);
    return NULL;
}
