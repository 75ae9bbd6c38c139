/* The JSON Schema: see json_schema.h. Reads the tables and writes to a stream; holds nothing.
 *
 * Everything stands where it is used: $ref with keywords beside it is not understood by all
 * editors, and what has to be shown differs from key to key anyway. */
#include "config/json_schema.h"

#include <string.h>

#include "config/names.h"
#include "config/reference.h"
#include "config/schema.h"
#include "format/json_write.h"

/* The sentences; where the schema cannot express the range, in words. */
static void print_description(struct json_writer *json, const struct setting *setting)
{
    char text[1024], range[REFERENCE_RANGE];
    if (setting->type == SETTING_DURATION)
        snprintf(text, sizeof text, "%s From %s.", setting->help, reference_range(setting, range));
    else
        snprintf(text, sizeof text, "%s%s%s%s", setting->help, setting->unit ? " Unit: " : "",
                 setting->unit ? setting->unit : "", setting->unit ? "." : "");
    json_string(json, "description", text);
}

/* What a text looks like that has a variable in it, whose value nobody knows here. */
#define VARIABLE "[$][{]"

static void print_text(struct json_writer *json, const struct setting *setting)
{
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s|" VARIABLE "%s", schema_forms[setting->type].pattern,
             setting->is_secret ? "|^file:" : "");
    json_string(json, "type", "string");
    json_string(json, "pattern", pattern);
}

static void print_list(struct json_writer *json, const struct setting *setting)
{
    json_string(json, "type", "array");
    if (setting->type == SETTING_ADDRESSES) {
        json_integer(json, "minItems", 1);
        json_integer(json, "maxItems", SCHEMA_ADDRESSES_MAX);
        json_boolean(json, "uniqueItems", true);
    }
    json_begin(json, "items", '{');
    print_text(json, setting);
    json_end(json, '}');
}

/* The words, for editors to offer; or a variable that holds one. */
static void print_choices(struct json_writer *json, const struct setting *setting)
{
    json_begin(json, "anyOf", '[');
    json_begin(json, NULL, '{');
    json_begin(json, "enum", '[');
    for (const char *const *choice = setting->choices; *choice; choice++)
        json_string(json, NULL, *choice);
    json_end(json, ']');
    json_end(json, '}');
    json_begin(json, NULL, '{');
    json_string(json, "type", "string");
    json_string(json, "pattern", VARIABLE);
    json_end(json, '}');
    json_end(json, ']');
}

static void print_type(struct json_writer *json, const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_COUNT:
        json_string(json, "type", "integer");
        json_integer(json, "minimum", setting->min);
        json_integer(json, "maximum", setting->max);
        break;
    case SETTING_FLAG:
        json_string(json, "type", "boolean");
        break;
    case SETTING_CHOICE:
        print_choices(json, setting);
        break;
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        print_list(json, setting);
        break;
    case SETTING_DURATION:
    case SETTING_HOST:
    case SETTING_UPSTREAM:
    case SETTING_EMAIL:
    case SETTING_FIELD:
    case SETTING_PATH:
        print_text(json, setting);
        if (setting->type == SETTING_HOST)
            json_integer(json, "maxLength", HOST_MAX + 1); /* and a dot at its end */
        if (setting->type == SETTING_PATH)
            json_integer(json, "maxLength", SCHEMA_PATH_MAX);
        break;
    }
}

static void print_setting(struct json_writer *json, const struct setting *setting)
{
    char text[SCHEMA_VALUE];
    json_begin(json, setting->name, '{');
    print_description(json, setting);
    print_type(json, setting);
    if (schema_default(setting, text))
        json_raw(json, "default", text);
    json_begin(json, "examples", '[');
    json_raw(json, NULL, setting->example);
    json_end(json, ']');
    if (setting->is_secret)
        json_boolean(json, "writeOnly", true);
    json_end(json, '}');
}

/* The keys of a section, as the members of an object. */
static void print_keys(struct json_writer *json, const struct section *section)
{
    bool has_required = false;
    json_string(json, "type", "object");
    json_boolean(json, "additionalProperties", false);
    json_begin(json, "properties", '{');
    for (size_t i = 0; i < schema_setting_count; i++) {
        if (strcmp(schema_settings[i].section, section->name) != 0)
            continue;
        print_setting(json, &schema_settings[i]);
        has_required = has_required || schema_settings[i].is_required;
    }
    json_end(json, '}');
    if (!has_required)
        return;
    json_begin(json, "required", '[');
    for (size_t i = 0; i < schema_setting_count; i++)
        if (strcmp(schema_settings[i].section, section->name) == 0 &&
            schema_settings[i].is_required)
            json_string(json, NULL, schema_settings[i].name);
    json_end(json, ']');
}

static void print_section(struct json_writer *json, const struct section *section)
{
    json_begin(json, section->name, '{');
    json_string(json, "description", section->help);
    if (section->is_list) {
        json_string(json, "type", "array");
        json_integer(json, "minItems", 1);
        json_begin(json, "items", '{');
        print_keys(json, section);
        json_end(json, '}');
    } else {
        print_keys(json, section);
    }
    json_end(json, '}');
}

void json_schema_print(FILE *out)
{
    struct json_writer json = {.out = out};
    json_begin(&json, NULL, '{');
    json_string(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_string(&json, "$comment", "Generated from src/config/schema.c by `make generated`.");
    json_string(&json, "title", "The configuration of Portico");
    json_string(&json, "type", "object");
    json_boolean(&json, "additionalProperties", false);
    json_begin(&json, "properties", '{');
    for (size_t i = 0; i < schema_section_count; i++)
        print_section(&json, &schema_sections[i]);
    json_end(&json, '}');
    json_begin(&json, "required", '[');
    for (size_t i = 0; i < schema_section_count; i++)
        if (schema_sections[i].is_list)
            json_string(&json, NULL, schema_sections[i].name);
    json_end(&json, ']');
    json_end(&json, '}');
}
