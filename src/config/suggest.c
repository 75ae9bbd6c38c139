/* This file finds the nearest word by the edit distance with neighbouring letters swapped (optimal
 * string alignment), three rows at a time. */
#include "config/suggest.h"

#define LONGEST 64u /* of hosts, most */

static char fold(char c)
{
    return c == '-' ? '_' : span_lower(c);
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Both at most LONGEST long. */
static size_t distance(struct span a, struct span b)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = fold(a.data[i - 1]), y = fold(b.data[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == fold(b.data[j - 2]) && fold(a.data[i - 2]) == y)
                row[j] = least(row[j], row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b.len];
}

void suggest_offer(struct suggest *suggest, const char *candidate)
{
    struct span offered = span_str(candidate);
    if (suggest->word.len > LONGEST || offered.len > LONGEST || suggest->word.len < 2)
        return;
    size_t near = suggest->word.len <= 4 ? 1 : suggest->word.len <= 7 ? 2 : 3;
    if (offered.len > suggest->word.len + near || suggest->word.len > offered.len + near)
        return;
    size_t found = distance(suggest->word, offered);
    if (found > near || (suggest->best && found >= suggest->distance))
        return;
    suggest->best = candidate;
    suggest->distance = found;
}
