/* Writing JSON: see json_write.h. Pure, but for the stream; keeps nothing. */
#include "format/json_write.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/utf8.h"

static void put_text(struct json_writer *json, struct span text)
{
    fputc('"', json->out);
    while (text.len) {
        size_t len = utf8_char(text);
        unsigned char c = (unsigned char)text.data[0];
        if (len == 0)
            fputs("\\ufffd", json->out);
        else if (c == '"' || c == '\\')
            fprintf(json->out, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            fprintf(json->out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < ' ')
            fprintf(json->out, "\\u%04x", c);
        else
            fwrite(text.data, 1, len, json->out);
        text = span_from(text, len ? len : 1);
    }
    fputc('"', json->out);
}

static void new_line(struct json_writer *json)
{
    fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* What stands before a value: the comma behind the last one, the line's beginning, the key (no
 * data: none). */
static void begin_item(struct json_writer *json, struct span key)
{
    if (json->has_items)
        fputc(',', json->out);
    if (json->depth)
        new_line(json);
    json->has_items = true;
    if (key.data == NULL)
        return;
    put_text(json, key);
    fputs(": ", json->out);
}

static void begin(struct json_writer *json, struct span key, char bracket)
{
    begin_item(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->has_items = false;
}

void json_begin(struct json_writer *json, const char *key, char bracket)
{
    begin(json, span_str(key), bracket);
}

void json_end(struct json_writer *json, char bracket)
{
    json->depth--;
    if (json->has_items)
        new_line(json);
    fputc(bracket, json->out);
    json->has_items = true;
    if (json->depth == 0)
        fputc('\n', json->out);
}

void json_string(struct json_writer *json, const char *key, const char *text)
{
    json_text(json, key, span_str(text));
}

void json_text(struct json_writer *json, const char *key, struct span text)
{
    begin_item(json, span_str(key));
    put_text(json, text);
}

void json_integer(struct json_writer *json, const char *key, int64_t number)
{
    begin_item(json, span_str(key));
    fprintf(json->out, "%" PRId64, number);
}

void json_boolean(struct json_writer *json, const char *key, bool truth)
{
    json_raw(json, key, truth ? "true" : "false");
}

void json_raw(struct json_writer *json, const char *key, const char *value)
{
    begin_item(json, span_str(key));
    fputs(value, json->out);
}

static void put_value(struct json_writer *json, struct span key, const struct value *value);

static void put_table(struct json_writer *json, struct span key, const struct value_table *table)
{
    begin(json, key, '{');
    for (uint32_t i = 0; i < table->count; i++)
        put_value(json, table->entries[i].key, &table->entries[i].value);
    json_end(json, '}');
}

static void put_value(struct json_writer *json, struct span key, const struct value *value)
{
    switch (value->type) {
    case VALUE_STRING:
        begin_item(json, key);
        put_text(json, value->string);
        break;
    case VALUE_INTEGER:
        begin_item(json, key);
        fprintf(json->out, "%" PRId64, value->integer);
        break;
    case VALUE_BOOLEAN:
        begin_item(json, key);
        fputs(value->boolean ? "true" : "false", json->out);
        break;
    case VALUE_ARRAY:
        begin(json, key, '[');
        for (uint32_t i = 0; i < value->array->count; i++)
            put_value(json, (struct span){0}, &value->array->items[i]);
        json_end(json, ']');
        break;
    case VALUE_TABLE:
        put_table(json, key, value->table);
        break;
    default:
        check(false); /* configurations have no others */
    }
}

void json_write(FILE *out, const struct value_table *root)
{
    struct json_writer json = {.out = out};
    put_table(&json, (struct span){0}, root);
}
