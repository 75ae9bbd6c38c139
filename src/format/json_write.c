/* Writing JSON: see json_write.h. Pure, but for the stream; keeps nothing. */
#include "format/json_write.h"

#include <inttypes.h>

#include "base/span.h"
#include "format/utf8.h"

static void put_text(struct json_writer *json, const char *text)
{
    struct span rest = span_str(text);
    fputc('"', json->out);
    while (rest.len) {
        unsigned char c = (unsigned char)rest.data[0];
        size_t len = utf8_char(rest);
        if (len == 0)
            fputs("\\ufffd", json->out);
        else if (c == '"' || c == '\\')
            fprintf(json->out, "\\%c", c);
        else if (c < ' ')
            fprintf(json->out, "\\u%04x", c);
        else
            fwrite(rest.data, 1, len, json->out);
        rest = span_from(rest, len ? len : 1);
    }
    fputc('"', json->out);
}

static void new_line(struct json_writer *json)
{
    fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* What stands before a value: the comma behind the last one, the line's beginning, the key. */
static void begin_item(struct json_writer *json, const char *key)
{
    if (json->has_items)
        fputc(',', json->out);
    if (json->depth)
        new_line(json);
    json->has_items = true;
    if (key == NULL)
        return;
    put_text(json, key);
    fputs(": ", json->out);
}

void json_begin(struct json_writer *json, const char *key, char bracket)
{
    begin_item(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->has_items = false;
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
    begin_item(json, key);
    put_text(json, text);
}

void json_integer(struct json_writer *json, const char *key, int64_t number)
{
    begin_item(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void json_boolean(struct json_writer *json, const char *key, bool truth)
{
    json_raw(json, key, truth ? "true" : "false");
}

void json_raw(struct json_writer *json, const char *key, const char *value)
{
    begin_item(json, key);
    fputs(value, json->out);
}
