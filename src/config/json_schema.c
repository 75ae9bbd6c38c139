/* This file makes the JSON Schema, see reference.h. It reads the tables, makes a tree of cJSON's,
 * and prints that; holds nothing.
 *
 * Everything stands where it is used: $ref with keywords beside it is not understood by all
 * editors, and what has to be shown differs from key to key anyway. */
#include "config/reference.h"
#include "format/json_print.h"

/* The sentences; where the schema cannot express the range, in words. */
static void add_description(cJSON *json, const struct setting *setting)
{
    char text[1024], range[KIND_RANGE];
    if (setting->kind->units && setting->kind->type == VALUE_STRING)
        snprintf(text, sizeof text, "%s From %s.", setting->help, kind_range(setting, range));
    else
        snprintf(text, sizeof text, "%s%s%s%s", setting->help, setting->unit ? " Unit: " : "",
                 setting->unit ? setting->unit : "", setting->unit ? "." : "");
    json_add(json, "description", text);
}

/* A limit, which 0 is none. */
static void add_limit(cJSON *json, const char *key, int64_t limit)
{
    if (limit)
        cJSON_AddNumberToObject(json, key, (double)limit);
}

/* What a text looks like that has a variable in it, whose value nobody knows here. */
#define VARIABLE "[$][{]"

static void add_text(cJSON *json, const struct setting *setting)
{
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s|" VARIABLE "%s", setting->kind->pattern,
             setting->is_secret ? "|^file:" : "");
    json_add(json, "pattern", pattern);
}

/* A new object at the end of the array. */
static cJSON *add_item(cJSON *array)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(array, item);
    return item;
}

static void add_word(cJSON *array, const char *word)
{
    cJSON_AddItemToArray(array, cJSON_CreateString(word));
}

/* The words, for editors to offer; or a variable that holds one. */
static void add_choices(cJSON *json, const struct setting *setting)
{
    cJSON *any = cJSON_AddArrayToObject(json, "anyOf");
    cJSON *words = cJSON_AddArrayToObject(add_item(any), "enum");
    for (const char *const *choice = setting->choices; *choice; choice++)
        add_word(words, *choice);
    cJSON *variable = add_item(any);
    json_add(variable, "type", "string");
    json_add(variable, "pattern", VARIABLE);
}

/* The word for a type of values. */
static const char *type_word(enum value_type type)
{
    return type == VALUE_INTEGER ? "integer" : type == VALUE_BOOLEAN ? "boolean" : "string";
}

static void add_type(cJSON *json, const struct setting *setting)
{
    const struct kind *kind = setting->kind;
    if (setting->choices) {
        add_choices(json, setting);
        return;
    }
    if (kind->is_list) {
        json_add(json, "type", "array");
        add_limit(json, "minItems", setting->min);
        add_limit(json, "maxItems", setting->max);
        if (kind->is_set)
            cJSON_AddTrueToObject(json, "uniqueItems");
        json = cJSON_AddObjectToObject(json, "items");
    }
    if (kind->also) {
        cJSON *types = cJSON_AddArrayToObject(json, "type");
        add_word(types, type_word(kind->type));
        add_word(types, type_word(kind->also));
    } else {
        json_add(json, "type", type_word(kind->type));
    }
    if (kind->pattern)
        add_text(json, setting);
    if (kind->type == VALUE_INTEGER || kind->also == VALUE_INTEGER) {
        cJSON_AddNumberToObject(json, "minimum", (double)setting->min);
        cJSON_AddNumberToObject(json, "maximum", (double)setting->max);
    } else if (kind->width == 0 && !kind->is_list) {
        add_limit(json, "maxLength", setting->max);
    }
}

static void add_setting(cJSON *properties, const struct section *section,
                        const struct setting *setting)
{
    cJSON *json = cJSON_AddObjectToObject(properties, setting->name);
    add_description(json, setting);
    add_type(json, setting);
    if (setting->fallback && !section->inherits)
        cJSON_AddRawToObject(json, "default", setting->fallback);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "examples"),
                         cJSON_CreateRaw(setting_example(setting)));
    if (setting->is_secret)
        cJSON_AddTrueToObject(json, "writeOnly");
}

/* The keys of a section, and the sections in it, as the members of an object. */
static void add_members(cJSON *json, const struct section *section)
{
    cJSON *required = cJSON_CreateArray();
    json_add(json, "type", "object");
    cJSON_AddFalseToObject(json, "additionalProperties");
    cJSON *properties = cJSON_AddObjectToObject(json, "properties");
    for (const struct setting *setting = section->settings; setting->name; setting++) {
        add_setting(properties, section, setting);
        if (setting->is_required)
            add_word(required, setting->name);
    }
    for (const struct section *in = NULL; (in = schema_next(section, in)) != NULL;) {
        cJSON *member = cJSON_AddObjectToObject(properties, schema_name(in));
        json_add(member, "description", in->help);
        if (in->is_required)
            add_word(required, schema_name(in));
        if (in->is_list) {
            json_add(member, "type", "array");
            add_limit(member, "minItems", in->is_required);
            member = cJSON_AddObjectToObject(member, "items");
        }
        add_members(member, in);
    }
    if (cJSON_GetArraySize(required))
        cJSON_AddItemToObject(json, "required", required);
    else
        cJSON_Delete(required);
}

void json_schema_print(FILE *out)
{
    cJSON *json = cJSON_CreateObject();
    json_add(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_add(json, "$comment", "Generated from src/config/schema.c by `make generated`.");
    json_add(json, "title", "The configuration of Portico");
    add_members(json, schema_sections);
    json_print(json, out);
}
