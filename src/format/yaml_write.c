/* Writing YAML: see yaml_write.h. Pure, but for the stream; keeps nothing. libyaml's emitter is
 * not used: it wants every line as an event with a memory of its own, and has no opinion about
 * which text needs quotes.
 *
 * Text goes without quotes only where no reader can take it for anything else: it begins with a
 * letter, is none of the words that mean something in either version, and holds nothing but
 * letters, digits and a few signs. */
#include "format/yaml_write.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/utf8.h"
#include "format/text.h"

#define STEP 2 /* columns that each level is indented */

static bool is_special_word(struct span text)
{
    static const char *const words[] = {"true", "false", "yes", "no",   "on",
                                        "off",  "y",     "n",   "null", NULL};
    for (const char *const *word = words; *word; word++)
        if (span_eq_nocase(text, span_str(*word)))
            return true;
    return false;
}

static bool needs_quotes(struct span text)
{
    char first = text.len ? span_lower(text.data[0]) : '\0';
    if (first < 'a' || first > 'z' || is_special_word(text))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_inner_colon = c == ':' && i + 1 < text.len;
        if (!text_is_word(c) && c != '.' && c != '@' && c != '/' && !is_inner_colon)
            return true;
    }
    return false;
}

/* Characters that YAML does not call printable, that some reader takes for a line's end, or that
 * vanish at the beginning of a file. */
static bool is_hidden(struct span c)
{
    unsigned char first = (unsigned char)c.data[0];
    if (c.len == 1)
        return first < ' ' || first == 0x7f;
    if (c.len == 2)
        return first == 0xc2 && (unsigned char)c.data[1] < 0xa0;
    return c.len == 3 && (span_eq(c, SPAN("\u2028")) || span_eq(c, SPAN("\u2029")) ||
                          span_eq(c, SPAN("\ufeff")) || span_eq(c, SPAN("\xef\xbf\xbe")) ||
                          span_eq(c, SPAN("\xef\xbf\xbf")));
}

/* A character of two or three bytes as a number. */
static unsigned code_of(struct span c)
{
    unsigned code = (unsigned char)c.data[0];
    if (c.len > 1)
        code &= c.len == 2 ? 0x1f : 0x0f;
    for (size_t i = 1; i < c.len; i++)
        code = code << 6 | ((unsigned char)c.data[i] & 0x3f);
    return code;
}

static void put_quoted(FILE *out, struct span text)
{
    fputc('"', out);
    while (text.len) {
        size_t len = utf8_char(text);
        struct span c = span_first(text, len ? len : 1);
        if (is_hidden(c))
            fprintf(out, c.len < 3 ? "\\x%02X" : "\\u%04X", code_of(c));
        else
            fprintf(out, "%s" SPAN_FMT, c.data[0] == '"' || c.data[0] == '\\' ? "\\" : "",
                    SPAN_ARG(c));
        text = span_from(text, c.len);
    }
    fputc('"', out);
}

static void put_text(FILE *out, struct span text)
{
    if (needs_quotes(text))
        put_quoted(out, text);
    else
        fwrite(text.data, 1, text.len, out);
}

/* On one line, as JSON has it. */
static void put_flow(FILE *out, const struct value *value)
{
    switch (value->type) {
    case VALUE_STRING:
        put_quoted(out, value->string);
        break;
    case VALUE_INTEGER:
        fprintf(out, "%" PRId64, value->integer);
        break;
    case VALUE_BOOLEAN:
        fputs(value->boolean ? "true" : "false", out);
        break;
    case VALUE_ARRAY:
        fputc('[', out);
        for (uint32_t i = 0; i < value->array->count; i++) {
            fputs(i ? ", " : "", out);
            put_flow(out, &value->array->items[i]);
        }
        fputc(']', out);
        break;
    case VALUE_TABLE:
        fputc('{', out);
        for (uint32_t i = 0; i < value->table->count; i++) {
            fputs(i ? ", " : "", out);
            put_quoted(out, value->table->entries[i].key);
            fputs(": ", out);
            put_flow(out, &value->table->entries[i].value);
        }
        fputc('}', out);
        break;
    default:
        check(false); /* configurations have no others */
    }
}

/* Tables, none of them empty: lists of anything else are written on one line. */
static bool is_block_list(const struct value *value)
{
    if (value->type != VALUE_ARRAY || value->array->count == 0)
        return false;
    for (uint32_t i = 0; i < value->array->count; i++) {
        const struct value *item = &value->array->items[i];
        if (item->type != VALUE_TABLE || item->table->count == 0)
            return false;
    }
    return true;
}

static void put_mapping(FILE *out, const struct value_table *table, int indent, bool in_line);

/* Behind a key's colon. */
static void put_value(FILE *out, const struct value *value, int indent)
{
    if (value->type == VALUE_TABLE && value->table->count) {
        fputc('\n', out);
        put_mapping(out, value->table, indent + STEP, false);
    } else if (is_block_list(value)) {
        fputc('\n', out);
        for (uint32_t i = 0; i < value->array->count; i++) {
            fprintf(out, "%*s- ", indent + STEP, "");
            put_mapping(out, value->array->items[i].table, indent + 2 * STEP, true);
        }
    } else {
        fputc(' ', out);
        if (value->type == VALUE_STRING)
            put_text(out, value->string);
        else
            put_flow(out, value);
        fputc('\n', out);
    }
}

/* A table that is not empty; `in_line`: its first key continues a line. */
static void put_mapping(FILE *out, const struct value_table *table, int indent, bool in_line)
{
    for (uint32_t i = 0; i < table->count; i++) {
        fprintf(out, "%*s", in_line && i == 0 ? 0 : indent, "");
        put_text(out, table->entries[i].key);
        fputc(':', out);
        put_value(out, &table->entries[i].value, indent);
    }
}

void yaml_write(FILE *out, const struct value_table *root)
{
    if (root->count)
        put_mapping(out, root, 0, false);
    else
        fputs("{}\n", out);
}
