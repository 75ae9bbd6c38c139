/* Writing TOML: see toml_write.h. Pure, but for the stream; keeps nothing.
 *
 * A table's own keys stand first, since whatever follows a header belongs to it; then come its
 * tables, each below a header. Inside of an array there are no headers: tables are in line there,
 * unless the array holds nothing but tables. */
#include "format/toml_write.h"

#include <inttypes.h>

#include "base/check.h"
#include "format/text.h"

/* Where a table lies: the way up to the root, which has no path. */
struct path {
    const struct path *above;
    struct span key;
};

static void put_string(FILE *out, struct span text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c == '\t')
            fputs("\\t", out);
        else if (c < ' ' || c == 0x7f)
            fprintf(out, "\\u%04X", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_key(FILE *out, struct span key)
{
    bool is_bare = key.len > 0;
    for (size_t i = 0; i < key.len; i++)
        is_bare = is_bare && text_is_word(key.data[i]);
    if (is_bare)
        fwrite(key.data, 1, key.len, out);
    else
        put_string(out, key);
}

static void put_inline(FILE *out, const struct value *value);

static void put_array(FILE *out, const struct value_array *array)
{
    fputc('[', out);
    for (uint32_t i = 0; i < array->count; i++) {
        fputs(i ? ", " : "", out);
        put_inline(out, &array->items[i]);
    }
    fputc(']', out);
}

static void put_table(FILE *out, const struct value_table *table)
{
    fputc('{', out);
    for (uint32_t i = 0; i < table->count; i++) {
        fputs(i ? ", " : " ", out);
        put_key(out, table->entries[i].key);
        fputs(" = ", out);
        put_inline(out, &table->entries[i].value);
    }
    fputs(table->count ? " }" : "}", out);
}

static void put_inline(FILE *out, const struct value *value)
{
    switch (value->type) {
    case VALUE_STRING:
        put_string(out, value->string);
        break;
    case VALUE_INTEGER:
        fprintf(out, "%" PRId64, value->integer);
        break;
    case VALUE_BOOLEAN:
        fputs(value->boolean ? "true" : "false", out);
        break;
    case VALUE_ARRAY:
        put_array(out, value->array);
        break;
    case VALUE_TABLE:
        put_table(out, value->table);
        break;
    default:
        check(false); /* configurations have no others */
    }
}

static bool is_list_of_tables(const struct value *value)
{
    if (value->type != VALUE_ARRAY || value->array->count == 0)
        return false;
    for (uint32_t i = 0; i < value->array->count; i++)
        if (value->array->items[i].type != VALUE_TABLE)
            return false;
    return true;
}

static void put_path(FILE *out, const struct path *path)
{
    if (path->above->above) {
        put_path(out, path->above);
        fputc('.', out);
    }
    put_key(out, path->key);
}

struct sheet {
    FILE *out;
    bool has_lines; /* so that an empty one stands before each header but the first line's */
};

static void put_body(struct sheet *sheet, const struct value_table *table, const struct path *path);

/* A table with its header, in one pair of brackets or two. */
static void put_section(struct sheet *sheet, const struct value_table *table,
                        const struct path *path, const char *open, const char *close)
{
    fprintf(sheet->out, "%s%s", sheet->has_lines ? "\n" : "", open);
    put_path(sheet->out, path);
    fputs(close, sheet->out);
    sheet->has_lines = true;
    put_body(sheet, table, path);
}

static void put_body(struct sheet *sheet, const struct value_table *table, const struct path *path)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct value_entry *entry = &table->entries[i];
        if (entry->value.type == VALUE_TABLE || is_list_of_tables(&entry->value))
            continue;
        put_key(sheet->out, entry->key);
        fputs(" = ", sheet->out);
        put_inline(sheet->out, &entry->value);
        fputc('\n', sheet->out);
        sheet->has_lines = true;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        const struct value *value = &table->entries[i].value;
        const struct path here = {.above = path, .key = table->entries[i].key};
        if (value->type == VALUE_TABLE)
            put_section(sheet, value->table, &here, "[", "]\n");
        else if (is_list_of_tables(value))
            for (uint32_t j = 0; j < value->array->count; j++)
                put_section(sheet, value->array->items[j].table, &here, "[[", "]]\n");
    }
}

void toml_write(FILE *out, const struct value_table *root)
{
    struct sheet sheet = {.out = out};
    const struct path top = {.above = NULL};
    put_body(&sheet, root, &top);
}
