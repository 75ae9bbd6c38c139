/* This file finds the nearest word by the edit distance with neighbouring letters swapped (optimal
 * string alignment). */
#include "config/suggest.h"

#include <stdbool.h>

#define LONGEST 64u /* of hosts, most */

static char fold(char c)
{
    return c == '-' ? '_' : span_lower(c);
}

/* Both at most LONGEST long. */
static size_t distance(struct span a, struct span b)
{
    unsigned char cells[LONGEST + 1][LONGEST + 1]; /* of the first i letters and the first j */
    for (size_t i = 0; i <= a.len; i++)
        for (size_t j = 0; j <= b.len; j++) {
            char x = i ? fold(a.data[i - 1]) : 0, y = j ? fold(b.data[j - 1]) : 0;
            size_t least = i && j ? (size_t)(cells[i - 1][j - 1] + (x != y)) : i + j;
            if (i && cells[i - 1][j] + 1u < least)
                least = cells[i - 1][j] + 1u;
            if (j && cells[i][j - 1] + 1u < least)
                least = cells[i][j - 1] + 1u;
            bool is_swapped =
                i > 1 && j > 1 && x == fold(b.data[j - 2]) && fold(a.data[i - 2]) == y;
            if (is_swapped && cells[i - 2][j - 2] + 1u < least)
                least = cells[i - 2][j - 2] + 1u;
            cells[i][j] = (unsigned char)least;
        }
    return cells[a.len][b.len];
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

const char *suggest_alias(struct span word)
{
    static const struct {
        const char *word, *known;
    } aliases[] = {{"domain", "host"},        {"domains", "host"},     {"hostname", "host"},
                   {"server_name", "host"},   {"backend", "upstream"}, {"proxy_pass", "upstream"},
                   {"target", "upstream"},    {"letsencrypt", "acme"}, {"lets_encrypt", "acme"},
                   {"let's encrypt", "acme"}, {"true", "acme"},        {"http", "none"},
                   {"off", "none"},           {"false", "none"}};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (span_eq_nocase(word, span_str(aliases[i].word)))
            return aliases[i].known;
    return NULL;
}

bool suggest_is_port(struct span key)
{
    return span_eq_nocase(key, SPAN("port")) || span_eq_nocase(key, SPAN("http_port")) ||
           span_eq_nocase(key, SPAN("https_port"));
}
