/* json-verdict: a JSON text on standard input, of any value. Exit status 0 if Portico reads it; 1,
 * with the problems on standard error, if not. That it is no object, as a configuration must be, is
 * no objection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"

#define TEXT_MAX (10u << 20)

int main(void)
{
    struct problems problems = {0};
    char *text = malloc(TEXT_MAX + 1);
    if (text == NULL)
        abort();
    size_t len = fread(text, 1, TEXT_MAX, stdin), count = 0;
    text[len] = '\0';
    struct value_tree *tree = json_parse("-", span_make(text, len), &problems);
    for (size_t i = 0; i < problems.count; i++) {
        const struct err *err = &problems.items[i];
        if (strcmp(err->code, problem_kinds[PROBLEM_WRONG_TYPE].code) == 0)
            continue;
        fprintf(stderr, "%u:%u:%s %s\n", err->line, err->column, err->pointer, err->message);
        count++;
    }
    value_tree_free(tree);
    problems_release(&problems);
    free(text);
    return count ? 1 : 0;
}
