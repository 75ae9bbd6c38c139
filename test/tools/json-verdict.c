/* json-verdict: a JSON text on standard input, of any value. Exit status 0 if Portico reads it; 1,
 * with the problems on standard error, if not. */
#include <stdio.h>
#include <stdlib.h>

#include "format/json.h"

static char *read_all(size_t *len)
{
    size_t room = 1 << 20;
    char *text = malloc(room);
    *len = 0;
    while (text) {
        size_t got = fread(text + *len, 1, room - *len, stdin);
        if (got == 0)
            return text;
        *len += got;
        if (*len == room)
            text = realloc(text, room *= 2);
    }
    abort();
}

int main(void)
{
    size_t len;
    struct value value;
    struct problems problems = {0};
    struct value_tree *tree = value_tree_new();
    char *text = read_all(&len);
    int result = json_parse_value("-", span_make(text, len), true, tree, &value, &problems);
    for (size_t i = 0; i < problems.count; i++) {
        const struct err *err = &problems.items[i];
        fprintf(stderr, "%u:%u: %s\n", err->line, err->column, err->message);
    }
    bool is_good = result == 0 && problems_is_empty(&problems);
    value_tree_free(tree);
    problems_release(&problems);
    free(text);
    return is_good ? 0 : 1;
}
