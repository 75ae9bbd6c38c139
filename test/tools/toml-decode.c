/* toml-decode: TOML on standard input, toml-test's tagged JSON on standard output. Exit
 * status 1, with the problems on standard error, when the input is not valid TOML. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/toml_parse.h"

static void print_value(const struct value *value);

static void print_string(struct span s)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_entries(const struct value_table *table)
{
    for (const struct value_entry *entry = table->first; entry; entry = entry->next) {
        if (entry != table->first)
            putchar(',');
        if (entry->key.data) {
            print_string(entry->key);
            putchar(':');
        }
        print_value(&entry->value);
    }
}

/* The kind of date, by its length and by what stands where. */
static const char *date_tag(struct span date)
{
    if (date.data[2] == ':')
        return "time-local";
    if (date.len == 10)
        return "date-local";
    return strpbrk(date.data + 10, "Zz+-") ? "datetime" : "datetime-local";
}

static void print_float(double real)
{
    if (isnan(real))
        printf("nan");
    else if (isinf(real))
        printf(real < 0 ? "-inf" : "inf");
    else
        printf("%.17g", real);
}

static void print_value(const struct value *value)
{
    static const char *const tags[] = {
        [VALUE_INTEGER] = "integer",
        [VALUE_FLOAT] = "float",
        [VALUE_BOOLEAN] = "bool",
    };
    switch (value->type) {
    case VALUE_TABLE:
    case VALUE_ARRAY:
        putchar(value->type == VALUE_TABLE ? '{' : '[');
        print_entries(value->table);
        putchar(value->type == VALUE_TABLE ? '}' : ']');
        return;
    case VALUE_STRING:
        printf("{\"type\":\"string\",\"value\":");
        print_string(value->string);
        printf("}");
        return;
    default:
        break;
    }
    printf("{\"type\":\"%s\",\"value\":\"",
           value->type == VALUE_DATE ? date_tag(value->string) : tags[value->type]);
    if (value->type == VALUE_INTEGER)
        printf("%lld", (long long)value->integer);
    else if (value->type == VALUE_FLOAT)
        print_float(value->real);
    else if (value->type == VALUE_BOOLEAN)
        printf(value->boolean ? "true" : "false");
    else
        printf(SPAN_FMT, SPAN_ARG(value->string));
    printf("\"}");
}

static char *read_all(FILE *in, size_t *len)
{
    size_t room = 65536;
    char *text = malloc(room);
    *len = 0;
    while (text) {
        *len += fread(text + *len, 1, room - *len, in);
        if (*len < room)
            return text;
        room *= 2;
        char *larger = realloc(text, room);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    return NULL;
}

int main(void)
{
    size_t len;
    char *text = read_all(stdin, &len);
    if (text == NULL)
        return 2;
    struct problems problems = {0};
    struct value_tree *tree = toml_parse("-", span_make(text, len), &problems);
    int status = 0;
    if (problems_is_empty(&problems)) {
        print_value(&(struct value){.type = VALUE_TABLE, .table = tree->root});
        putchar('\n');
    } else {
        status = 1;
        problems_sort(&problems);
        for (size_t i = 0; i < problems.count; i++) {
            char line[1024];
            err_format(&problems.items[i], line, sizeof line);
            fprintf(stderr, "%s\n", line);
            if (problems.items[i].hint[0])
                fprintf(stderr, "  hint: %s\n", problems.items[i].hint);
        }
    }
    problems_release(&problems);
    value_tree_free(tree);
    free(text);
    return status;
}
