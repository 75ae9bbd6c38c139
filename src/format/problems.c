/* Problems: see problems.h. One thread at a time. */
#include "format/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/utf8.h"

#define QUOTE_CHARACTERS 60u

struct err *problems_add(struct problems *problems, const char *file, unsigned line,
                         unsigned column, const char *format, ...)
{
    if (problems->items == NULL)
        problems->items = calloc(PROBLEMS_MAX, sizeof *problems->items);
    if (problems->items == NULL || problems->count == PROBLEMS_MAX) {
        problems->omitted++;
        return NULL;
    }
    struct err *err = &problems->items[problems->count++];
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    err_set(err, "%s", message);
    err_place(err, file ? file : "", line, column);
    return err;
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

/* C0, DEL, or C1 (which some terminals obey as well). */
static bool is_control(struct span text, size_t len)
{
    unsigned char first = (unsigned char)text.data[0];
    if (len == 2)
        return first == 0xc2 && (unsigned char)text.data[1] < 0xa0;
    return len == 1 && (first < 0x20 || first == 0x7f);
}

const char *problems_quote(struct span text, char out[PROBLEMS_QUOTE])
{
    size_t used = 0;
    for (unsigned characters = 0; text.len > 0; characters++) {
        if (characters == QUOTE_CHARACTERS) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        size_t len = utf8_char(text);
        bool plain = len > 0 && !is_control(text, len);
        if (plain)
            memcpy(out + used, text.data, len);
        else
            out[used] = '?';
        used += plain ? len : 1;
        text = span_from(text, len ? len : 1);
    }
    out[used] = '\0';
    return out;
}
