/* Writing JSON: see json_print.h. Pure, but for the stream; keeps nothing. */
#include "format/json_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"

void json_add(cJSON *object, const char *key, const char *text)
{
    if (text && *text)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

void json_add_span(cJSON *object, const char *key, struct span text)
{
    char *copy = text.len ? strndup(text.data, text.len) : NULL;
    json_add(object, key, copy);
    free(copy);
}

void json_add_number(cJSON *object, const char *key, unsigned number)
{
    if (number)
        cJSON_AddNumberToObject(object, key, number);
    else
        cJSON_AddNullToObject(object, key);
}

/* cJSON indents by tabs and sets one behind each colon. Tabs inside of texts are escaped. */
void json_print(cJSON *root, FILE *out)
{
    char *text = cJSON_Print(root), last = '\0';
    for (struct span rest = span_str(text); rest.len;) {
        size_t len = utf8_char(rest);
        if (rest.data[0] == '\t')
            fputs(last == ':' ? " " : "  ", out);
        else if (len)
            fwrite(rest.data, 1, len, out);
        else
            fputs("\\ufffd", out);
        last = rest.data[0];
        rest = span_from(rest, len ? len : 1);
    }
    fputc('\n', out);
    cJSON_free(text);
    cJSON_Delete(root);
}

static cJSON *item_of(const struct value *value);

static cJSON *object_of(const struct value_table *table)
{
    cJSON *object = cJSON_CreateObject();
    for (uint32_t i = 0; i < table->count; i++)
        cJSON_AddItemToObject(object, table->entries[i].key.data,
                              item_of(&table->entries[i].value));
    return object;
}

static cJSON *array_of(const struct value_array *list)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < list->count; i++)
        cJSON_AddItemToArray(array, item_of(&list->items[i]));
    return array;
}

static cJSON *item_of(const struct value *value)
{
    char number[24];
    switch (value->type) {
    case VALUE_STRING:
        return cJSON_CreateString(value->string.data);
    case VALUE_INTEGER:
        snprintf(number, sizeof number, "%" PRId64, value->integer);
        return cJSON_CreateRaw(number); /* cJSON's own are exact up to 10^15 only */
    case VALUE_BOOLEAN:
        return cJSON_CreateBool(value->boolean);
    case VALUE_ARRAY:
        return array_of(value->array);
    case VALUE_TABLE:
        return object_of(value->table);
    default:
        check(false); /* configurations have no others */
        return NULL;
    }
}

void json_write(FILE *out, const struct value_table *root)
{
    json_print(object_of(root), out);
}
