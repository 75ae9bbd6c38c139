/* Printing problems, for people:
 *
 *     config.toml:3:1: "hots" is no key of [[routes]]; one that Portico knows was expected
 *       3 | hots = "app.example.com"
 *           ^
 *       hint: did you mean "host"?
 *
 * The line is shown as the file has it, but tabs become spaces, what a terminal could take for
 * a command becomes "?", and of a long line only the neighbourhood of the place is shown. */
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "config/config.h"
#include "config/secret.h"

#define SHOWN_WIDTH 100u /* columns of the line, at most */
#define SHOWN_LEFT  70u  /* of which before the place, if it lies further to the right */
#define TAB_WIDTH   4u

struct style {
    const char *place, *mark, *faint, *end;
};

static const struct style plain = {"", "", "", ""};
static const struct style coloured = {"\033[1m", "\033[1;31m", "\033[2m", "\033[0m"};

static const struct style *style_for(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool is_dumb = term == NULL || strcmp(term, "dumb") == 0;
    bool is_wanted = no_color == NULL || *no_color == '\0';
    return isatty(fileno(out)) && is_wanted && !is_dumb ? &coloured : &plain;
}

/* A walk through the lines of the source; problems come in the order of their lines. */
struct lines {
    struct span rest;
    unsigned number; /* of the line that `rest` begins with */
};

static struct span line_at(struct lines *lines, unsigned number)
{
    while (lines->number < number && lines->rest.len) {
        lines->rest = span_from(lines->rest, span_find(lines->rest, '\n') + 1);
        lines->number++;
    }
    struct span line = span_first(lines->rest, span_find(lines->rest, '\n'));
    if (span_has_suffix(line, SPAN("\r")))
        line.len--;
    return lines->number == number ? line : span_make("", 0);
}

/* One piece of a line at a time: a character, or one of the TAB_WIDTH spaces of a tab. */
struct cells {
    struct span rest;
    unsigned spaces;     /* of a tab, still to come */
    unsigned characters; /* begun so far */
};

/* The next piece as a C string, and its width in columns. False at the end of the line. */
static bool next_cell(struct cells *cells, char text[8], unsigned *width)
{
    if (cells->spaces == 0 && cells->rest.len == 0)
        return false;
    memcpy(text, " ", 2);
    *width = 1;
    if (cells->spaces) {
        cells->spaces--;
        return true;
    }
    size_t len = utf8_char(cells->rest);
    unsigned char first = (unsigned char)cells->rest.data[0];
    bool is_control = len == 0 || first < 0x20 || first == 0x7f ||
                      (first == 0xc2 && (unsigned char)cells->rest.data[1] < 0xa0);
    if (first == '\t') {
        cells->spaces = TAB_WIDTH - 1;
    } else if (is_control) {
        text[0] = '?';
    } else {
        memcpy(text, cells->rest.data, len);
        text[len] = '\0';
        *width = utf8_width(cells->rest);
    }
    cells->rest = span_from(cells->rest, len ? len : 1);
    cells->characters++;
    return true;
}

/* How many columns stand before the character number `column` (from 1). */
static unsigned columns_before(struct span line, unsigned column)
{
    struct cells cells = {.rest = line};
    char text[8];
    unsigned columns = 0, width;
    while (next_cell(&cells, text, &width) && cells.characters < column)
        columns += width;
    return columns;
}

/* The line, and the caret below. */
static void print_source(FILE *out, const struct style *style, struct span line,
                         const struct err *err)
{
    if (err->line == 1 && span_has_prefix(line, SPAN("\xef\xbb\xbf")))
        line = span_from(line, 3);
    unsigned caret = columns_before(line, err->column);
    unsigned from = caret > SHOWN_LEFT ? caret - SHOWN_LEFT : 0, at = 0;
    int margin = snprintf(NULL, 0, "  %u | %s", err->line, from ? "..." : "");
    fprintf(out, "  %s%u |%s %s", style->faint, err->line, style->end, from ? "..." : "");
    struct cells cells = {.rest = line};
    char text[8];
    unsigned width;
    while (at < from + SHOWN_WIDTH && next_cell(&cells, text, &width)) {
        if (at >= from)
            fputs(text, out);
        else if (at < from && at + width > from)
            fputc(' ', out); /* the right half of a wide character */
        at += width;
    }
    fprintf(out, "%s\n%*s%s^%s\n", cells.rest.len ? "..." : "", margin + (int)(caret - from), "",
            style->mark, style->end);
}

/* A hint's further lines stand below its first. */
static void print_hint(FILE *out, const char *hint)
{
    struct span rest = span_str(hint), line;
    const char *before = "  hint: ";
    while (span_split(&rest, '\n', &line)) {
        fprintf(out, "%s" SPAN_FMT "\n", before, SPAN_ARG(line));
        before = "        ";
    }
}

void config_problems_print(const struct config_problems *problems, FILE *out)
{
    const struct style *style = style_for(out);
    struct lines lines = {.rest = span_make(problems->source, problems->source_len), .number = 1};
    for (size_t i = 0; i < problems->found.count; i++) {
        const struct err *err = &problems->found.items[i];
        char text[sizeof *err];
        err_format(err, text, sizeof text);
        size_t place = strlen(text) - strlen(err->message);
        fprintf(out, "%s%.*s%s%s%s\n", style->place, (int)place, text, style->end,
                err->is_warning ? "warning: " : "", err->message);
        if (problems->source && err->line && err->column)
            print_source(out, style, line_at(&lines, err->line), err);
        if (err->hint[0])
            print_hint(out, err->hint);
    }
    if (problems->found.omitted)
        fprintf(out, "and more: the first %zu problems are shown\n", problems->found.count);
}

void config_problems_log(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->found.count; i++) {
        const struct err *err = &problems->found.items[i];
        char text[sizeof *err];
        err_format_line(err, text, sizeof text);
        log_write(err->is_warning ? LOG_WARN : LOG_ERROR, "%s", text);
    }
    if (problems->found.omitted)
        log_write(LOG_WARN, "and more: the first %zu problems are shown", problems->found.count);
}

void config_problems_release(struct config_problems *problems)
{
    problems_release(&problems->found);
    secret_wipe(problems->source, problems->source_len);
    *problems = (struct config_problems){0};
}
