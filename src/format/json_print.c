/* This file writes JSON, see json_print.h. Pure, but for the stream; keeps nothing. */
#include "format/json_print.h"

#include <stdlib.h>
#include <string.h>

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
