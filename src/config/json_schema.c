/* The JSON Schema: see json_schema.h. Reads the tables, makes a tree of cJSON's, and prints
 * that; holds nothing.
 *
 * Everything stands where it is used: $ref with keywords beside it is not understood by all
 * editors, and what has to be shown differs from key to key anyway. */
#include "config/json_schema.h"

#include <string.h>

#include "config/names.h"
#include "config/reference.h"
#include "config/schema.h"
#include "format/json_print.h"

/* The sentences; where the schema cannot express the range, in words. */
static void add_description(cJSON *json, const struct setting *setting)
{
    char text[1024], range[REFERENCE_RANGE];
    if (setting->type == SETTING_DURATION)
        snprintf(text, sizeof text, "%s From %s.", setting->help, reference_range(setting, range));
    else
        snprintf(text, sizeof text, "%s%s%s%s", setting->help, setting->unit ? " Unit: " : "",
                 setting->unit ? setting->unit : "", setting->unit ? "." : "");
    json_add(json, "description", text);
}

/* What a text looks like that has a variable in it, whose value nobody knows here. */
#define VARIABLE "[$][{]"

static void add_text(cJSON *json, const struct setting *setting)
{
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s|" VARIABLE "%s", schema_forms[setting->type].pattern,
             setting->is_secret ? "|^file:" : "");
    json_add(json, "type", "string");
    json_add(json, "pattern", pattern);
}

static void add_list(cJSON *json, const struct setting *setting)
{
    json_add(json, "type", "array");
    if (setting->type == SETTING_ADDRESSES) {
        cJSON_AddNumberToObject(json, "minItems", 1);
        cJSON_AddNumberToObject(json, "maxItems", SCHEMA_ADDRESSES_MAX);
        cJSON_AddTrueToObject(json, "uniqueItems");
    }
    add_text(cJSON_AddObjectToObject(json, "items"), setting);
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

static void add_type(cJSON *json, const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_COUNT:
        json_add(json, "type", "integer");
        cJSON_AddNumberToObject(json, "minimum", (double)setting->min);
        cJSON_AddNumberToObject(json, "maximum", (double)setting->max);
        break;
    case SETTING_FLAG:
        json_add(json, "type", "boolean");
        break;
    case SETTING_CHOICE:
        add_choices(json, setting);
        break;
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        add_list(json, setting);
        break;
    case SETTING_DURATION:
    case SETTING_HOST:
    case SETTING_UPSTREAM:
    case SETTING_EMAIL:
    case SETTING_FIELD:
    case SETTING_PATH:
        add_text(json, setting);
        if (setting->type == SETTING_HOST)
            cJSON_AddNumberToObject(json, "maxLength", HOST_MAX + 1); /* and a dot at its end */
        if (setting->type == SETTING_PATH)
            cJSON_AddNumberToObject(json, "maxLength", SCHEMA_PATH_MAX);
        break;
    }
}

static void add_setting(cJSON *properties, const struct setting *setting)
{
    char text[SCHEMA_VALUE];
    cJSON *json = cJSON_AddObjectToObject(properties, setting->name);
    add_description(json, setting);
    add_type(json, setting);
    if (schema_default(setting, text))
        cJSON_AddRawToObject(json, "default", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "examples"),
                         cJSON_CreateRaw(setting->example));
    if (setting->is_secret)
        cJSON_AddTrueToObject(json, "writeOnly");
}

/* The keys of a section, as the members of an object. */
static void add_keys(cJSON *json, const struct section *section)
{
    json_add(json, "type", "object");
    cJSON_AddFalseToObject(json, "additionalProperties");
    cJSON *properties = cJSON_AddObjectToObject(json, "properties"), *required = NULL;
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, section->name) != 0)
            continue;
        add_setting(properties, setting);
        if (setting->is_required && required == NULL)
            required = cJSON_AddArrayToObject(json, "required");
        if (setting->is_required)
            add_word(required, setting->name);
    }
}

static void add_section(cJSON *properties, const struct section *section)
{
    cJSON *json = cJSON_AddObjectToObject(properties, section->name);
    json_add(json, "description", section->help);
    if (section->is_list) {
        json_add(json, "type", "array");
        cJSON_AddNumberToObject(json, "minItems", 1);
        json = cJSON_AddObjectToObject(json, "items");
    }
    add_keys(json, section);
}

void json_schema_print(FILE *out)
{
    cJSON *json = cJSON_CreateObject();
    json_add(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_add(json, "$comment", "Generated from src/config/schema.c by `make generated`.");
    json_add(json, "title", "The configuration of Portico");
    json_add(json, "type", "object");
    cJSON_AddFalseToObject(json, "additionalProperties");
    cJSON *properties = cJSON_AddObjectToObject(json, "properties");
    cJSON *required = cJSON_AddArrayToObject(json, "required");
    for (size_t i = 0; i < schema_section_count; i++) {
        add_section(properties, &schema_sections[i]);
        if (schema_sections[i].is_list)
            add_word(required, schema_sections[i].name);
    }
    json_print(json, out);
}
