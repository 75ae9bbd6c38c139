/* This file prints problems, for people:
 *
 *     config.toml:3:1: "hots" is no key of [[routes]]; one that Portico knows was expected
 *       3 | hots = "app.example.com"
 *           ^
 *       hint: did you mean "host"?
 *
 * Keys are shown, and values of keys that Portico knows, if they are no secrets. So a line is shown
 * when the tree tells of everything that stands on it, and all of that may be shown. Comments, what
 * nobody knows the meaning of, long lines, and files that do not parse are not shown. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config_print.h"
#include "config/schema.h"
#include "config/secret.h"
#include "config/setting.h"
#include "format/text.h"

#define SHOWN_MAX 200u /* bytes of a line that is shown */

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

/* The line, and the caret below. */
static void print_source(FILE *out, const struct style *style, struct span line,
                         const struct err *err)
{
    if (err->line == 1)
        line = text_without_mark(line);
    if (span_is_empty(span_trim(line)))
        return;
    int margin = snprintf(NULL, 0, "  %u | ", err->line);
    fprintf(out, "  %s%u |%s ", style->faint, err->line, style->end);
    for (size_t i = 0; i < line.len; i++)
        fputc(line.data[i] == '\t' ? ' ' : line.data[i], out);
    fprintf(out, "\n%*s%s^%s\n", margin + (int)err->column - 1, "", style->mark, style->end);
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

/* ---- Lines that may be shown ---- */

/* What begins on a line of the file. */
struct line_use {
    unsigned first;   /* column of the first key or value; 0: there is none */
    bool has_unknown; /* something that is not to be shown */
};

struct uses {
    struct line_use *lines; /* by number */
    size_t count;
};

static void note(struct uses *uses, unsigned line, unsigned column, bool may_show)
{
    if (line == 0 || line >= uses->count)
        return;
    struct line_use *use = &uses->lines[line];
    if (use->first == 0 || column < use->first)
        use->first = column;
    use->has_unknown = use->has_unknown || !may_show;
}

static void note_table(struct uses *uses, const struct value_table *table,
                       const struct section *section);

/* The value of a setting (NULL: of a key that nobody knows), or what `section` holds. False when it
 * is not to be shown. */
static bool note_value(struct uses *uses, const struct value *value, const struct setting *setting,
                       const struct section *section)
{
    bool is_text = value->type == VALUE_STRING || value->type == VALUE_PLAIN;
    bool may_show = setting && !setting->is_secret;
    if (is_text && may_show)
        may_show = setting_shown(setting, value->string).len == value->string.len;
    if (value->type == VALUE_TABLE)
        note_table(uses, value->table, section);
    else if (value->type == VALUE_ARRAY)
        for (const struct value_entry *item = value->table->first; item; item = item->next)
            note_value(uses, &item->value, setting, section);
    may_show = may_show || value->type == VALUE_TABLE || value->type == VALUE_ARRAY;
    note(uses, value->line, value->column, may_show);
    return may_show;
}

static void note_table(struct uses *uses, const struct value_table *table,
                       const struct section *section)
{
    char key[ERR_QUOTE];
    for (const struct value_entry *entry = table->first; entry; entry = entry->next) {
        bool may_show =
            note_value(uses, &entry->value, section ? schema_setting(section, entry->key) : NULL,
                       section ? schema_section(section, entry->key) : NULL);
        note(uses, entry->line, entry->column,
             may_show && span_eq(span_str(problems_quote_key(entry->key, key)), entry->key));
    }
}

/* May the line be shown? It has to be short, and to begin with something that the tree knows,
 * rather than with the rest of what began above. It may hold neither a comment nor a control
 * character, which a terminal could take for a command; those beyond ASCII begin with C2. */
static bool is_told(struct span line, const struct line_use *use)
{
    size_t blank = 0, begin;
    while (blank < line.len && strchr(" \t", line.data[blank]))
        blank++;
    for (begin = blank; begin < line.len && strchr("- \t[{\"'", line.data[begin]);)
        begin++;
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] == '#' || text_is_control(line.data[i]) || line.data[i] == '\xc2')
            return false;
    return line.len <= SHOWN_MAX && use->first > blank && use->first <= begin + 1 &&
           !use->has_unknown;
}

void config_problems_excerpt(struct config_problems *problems, const struct value_tree *tree)
{
    char *text = problems->source;
    struct uses uses = {.count = 2};
    for (size_t i = 0; i < problems->source_len; i++)
        uses.count += text[i] == '\n';
    uses.lines = tree ? calloc(uses.count, sizeof *uses.lines) : NULL;
    if (uses.lines == NULL) {
        secret_wipe(problems->source, problems->source_len);
        problems->source = NULL;
        problems->source_len = 0;
        return;
    }
    note_table(&uses, tree->root, schema_sections);
    struct lines lines = {.rest = span_make(text, problems->source_len), .number = 1};
    for (unsigned number = 1; number < uses.count; number++) {
        struct span line = line_at(&lines, number);
        if (!is_told(number == 1 ? text_without_mark(line) : line, &uses.lines[number]))
            memset(text + (line.data - text), ' ', line.len);
    }
    free(uses.lines);
}

/* ---- Problems ---- */

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
