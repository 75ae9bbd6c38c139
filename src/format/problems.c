/* Lists of problems are described in problems.h. A list serves one thread at a time. */
#include "format/problems.h"

#include <stdio.h>
#include <stdlib.h>

#define ERROR   false /* in problem.def */
#define WARNING true
const struct problem_kind problem_kinds[PROBLEM_CODE_COUNT] = {
#define PROBLEM(name, severity, code, meaning) [PROBLEM_##name] = {code, meaning, severity},
#include "format/problem.def"
#undef PROBLEM
};

struct err *problems_vadd(struct problems *problems, enum problem_code code, const char *file,
                          unsigned line, unsigned column, const char *format, va_list args)
{
    if (problems->items == NULL)
        problems->items = calloc(PROBLEMS_MAX, sizeof *problems->items);
    if (problems->items == NULL || problems->count == PROBLEMS_MAX) {
        problems->omitted++;
        problems->omits_errors = problems->omits_errors || !problem_kinds[code].is_warning;
        return NULL;
    }
    struct err *err = &problems->items[problems->count++];
    char message[sizeof err->message];
    vsnprintf(message, sizeof message, format, args);
    err_set(err, "%s", message);
    err_place(err, file ? file : "", line, column);
    memcpy(err->pointer, problems->pointer, sizeof err->pointer);
    return problems_recode(err, code);
}

struct err *problems_add(struct problems *problems, enum problem_code code, const char *file,
                         unsigned line, unsigned column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct err *err = problems_vadd(problems, code, file, line, column, format, args);
    va_end(args);
    return err;
}

struct err *problems_recode(struct err *err, enum problem_code code)
{
    if (err == NULL)
        return NULL;
    err->code = problem_kinds[code].code;
    err->is_warning = problem_kinds[code].is_warning;
    return err;
}

/* How much of a key is surely one: up to the first blank, quotation mark, ":" or "=". */
static size_t sure_length(struct span key)
{
    size_t len = 0;
    while (len < key.len && strchr(" \t\"':=", key.data[len]) == NULL)
        len++;
    return len;
}

/* RFC 6901, 3: "~" and "/" are escaped. What is too long to be known, may have a value in it, or
 * cannot be printed as it is, is left out, and the pointer then names what it lies in. */
size_t problems_enter(struct problems *problems, struct span key)
{
    size_t mark = strlen(problems->pointer), used = mark;
    char quoted[ERR_QUOTE];
    problems->pointer[used++] = '/';
    for (size_t i = 0; i < key.len && used + 2 < sizeof problems->pointer; i++) {
        char c = key.data[i];
        if (c == '~' || c == '/') {
            problems->pointer[used++] = '~';
            c = c == '~' ? '0' : '1';
        }
        problems->pointer[used++] = c;
    }
    bool is_whole = used + 2 < sizeof problems->pointer && sure_length(key) == key.len &&
                    span_eq(span_str(err_quote(key, quoted)), key);
    problems->pointer[is_whole ? used : mark] = '\0';
    return mark;
}

size_t problems_enter_item(struct problems *problems, size_t index)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    return problems_enter(problems, span_str(text));
}

void problems_leave(struct problems *problems, size_t mark)
{
    problems->pointer[mark] = '\0';
}

bool problems_has_errors(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->items[i].is_warning)
            return true;
    return problems->omits_errors;
}

static bool is_before(const struct err *a, const struct err *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* By insertion: stable, and nearly sorted already. */
void problems_sort(struct problems *problems)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct err moved = problems->items[i];
        size_t to = i;
        while (to > 0 && is_before(&moved, &problems->items[to - 1])) {
            problems->items[to] = problems->items[to - 1];
            to--;
        }
        if (to != i)
            problems->items[to] = moved;
    }
}

void problems_release(struct problems *problems)
{
    free(problems->items);
    *problems = (struct problems){0};
}

const char *problems_quote_key(struct span key, char out[ERR_QUOTE])
{
    size_t len = sure_length(key);
    err_quote(span_first(key, len), out);
    size_t used = strlen(out);
    if (len < key.len && used + sizeof "..." <= ERR_QUOTE)
        memcpy(out + used, "...", sizeof "...");
    return out;
}
