/* This file puts the schema into words, see reference.h. It reads the tables and writes to a
 * stream; holds nothing. */
#include "config/reference.h"

#include <string.h>

#include "config/schema.h"
#include "format/problems.h"

#define WIDTH 80 /* of a terminal's lines */

#define SECRET_FACT                                                                                \
    "never shown; \"file:PATH\" takes it from a file, \"${NAME}\" from the environment"

/* What stands for the default; between two `quote` if it is a value. Returns `out`. */
#define DEFAULT_TEXT 96u
static const char *default_text(const struct section *section, const struct setting *setting,
                                const char *quote, char out[DEFAULT_TEXT])
{
    if (section->inherits)
        snprintf(out, DEFAULT_TEXT, "that of [%s]", section->inherits->path);
    else if (setting->fallback)
        snprintf(out, DEFAULT_TEXT, "%s%s%s", quote, setting->fallback, quote);
    else
        snprintf(out, DEFAULT_TEXT, "%s", setting->is_required ? "required" : "none");
    return out;
}

/* "[[routes]]" or "[server]", which is what introduces the section's keys. */
static void print_header(const struct section *section, FILE *out)
{
    fprintf(out, section->is_list ? "[[%s]]" : "[%s]", section->path);
}

/* `text` in lines of at most WIDTH columns, each behind `indent` spaces. */
static void print_wrapped(const char *text, int indent, FILE *out)
{
    struct span rest = span_str(text), word;
    size_t column = 0;
    while (span_split(&rest, ' ', &word)) {
        if (column && column + 1 + word.len > WIDTH - (size_t)indent) {
            fputc('\n', out);
            column = 0;
        }
        fprintf(out, "%*s" SPAN_FMT, column ? 1 : indent, "", SPAN_ARG(word));
        column += word.len + (column ? 1 : 0);
    }
    fputc('\n', out);
}

/* A line of a list, for a terminal or in Markdown; nothing when there is no value. */
static void print_fact(const char *name, const char *value, bool is_markdown, FILE *out)
{
    if (value)
        fprintf(out, is_markdown ? "- %s: %s\n" : "  %-9s %s\n", name, value);
}

static void print_facts(const struct section *section, const struct setting *setting,
                        bool is_markdown, FILE *out)
{
    char text[DEFAULT_TEXT], range[KIND_RANGE], kind[256];
    snprintf(kind, sizeof kind, "%s (%s)", setting->kind->name, setting->kind->help);
    print_fact("type", kind, is_markdown, out);
    print_fact("unit", setting->unit, is_markdown, out);
    print_fact("default", default_text(section, setting, is_markdown ? "`" : "", text), is_markdown,
               out);
    print_fact(setting->choices ? "choice" : "range", kind_range(setting, range), is_markdown, out);
    print_fact("change", setting->needs_restart ? "needs a restart" : NULL, is_markdown, out);
    print_fact("secret", setting->is_secret ? SECRET_FACT : NULL, is_markdown, out);
}

void reference_section(const struct section *section, FILE *out)
{
    char text[DEFAULT_TEXT];
    print_header(section, out);
    fprintf(out, "\n\n");
    print_wrapped(section->help, 2, out);
    for (const struct setting *setting = section->settings; setting->name; setting++) {
        fprintf(out, "\n  %-16s %s, %s%s\n", setting->name, setting->kind->name,
                setting->fallback ? "default " : "", default_text(section, setting, "", text));
        print_wrapped(setting->help, 6, out);
    }
}

void reference_setting(const struct section *section, const struct setting *setting, FILE *out)
{
    print_header(section, out);
    fprintf(out, " %s\n\n", setting->name);
    print_wrapped(setting->help, 2, out);
    fputc('\n', out);
    print_facts(section, setting, false, out);
    fprintf(out, "  %-9s %s = %s\n", "example", setting->name, setting_example(setting));
}

void reference_variable(const struct setting *variable, FILE *out)
{
    char range[KIND_RANGE];
    fprintf(out, "%s, a variable of the environment\n\n  %s\n\n", variable->name, variable->help);
    print_fact("type", variable->kind->name, false, out);
    print_fact("default", variable->fallback, false, out);
    print_fact("range", kind_range(variable, range), false, out);
}

/* ---- Markdown ---- */

static void markdown_section(const struct section *section, FILE *out)
{
    fprintf(out, "## `");
    print_header(section, out);
    fprintf(out, "`\n\n%s\n\n", section->help);
    for (const struct setting *setting = section->settings; setting->name; setting++) {
        fprintf(out, "### `%s.%s`\n\n%s\n\n", section->path, setting->name, setting->help);
        print_facts(section, setting, true, out);
        fprintf(out, "\n```toml\n");
        print_header(section, out);
        fprintf(out, "\n%s = %s\n```\n\n", setting->name, setting_example(setting));
    }
}

static void markdown_problems(FILE *out)
{
    fprintf(out, "\n## Problems\n\n"
                 "The codes of `portico check --json`. A warning becomes an error with "
                 "`--strict`.\n\n"
                 "| code | severity | meaning |\n"
                 "| --- | --- | --- |\n");
    for (size_t i = 0; i < PROBLEM_CODE_COUNT; i++)
        fprintf(out, "| `%s` | %s | %s |\n", problem_kinds[i].code,
                problem_kinds[i].is_warning ? "warning" : "error", problem_kinds[i].meaning);
}

void reference_markdown(FILE *out)
{
    fprintf(
        out,
        "<!-- Generated from src/config/schema.c by `make generated`. -->\n"
        "# Every setting\n"
        "\n"
        "What may stand in the configuration file, and which variables of the environment count. "
        "`portico help KEY` shows the same for one key, a section or a variable; "
        "`example.toml` beside this file shows all keys at their places.\n"
        "\n"
        "A key that is left out has its default. A key that Portico does not know is an "
        "error.\n\n"
        "In every text, `${NAME}` is replaced by a variable of the environment, and "
        "`${NAME:-default}` by the default when the variable is not set or is empty; `$${` stands "
        "for the characters `${`.\n\n");
    for (const struct section *section = schema_sections + 1; section->path; section++)
        markdown_section(section, out);
    fprintf(out, "## Environment\n\n"
                 "An empty variable counts as not set. Where environment and file say the same "
                 "thing, the environment wins. A change needs a restart.\n\n"
                 "| variable | default | meaning |\n"
                 "| --- | --- | --- |\n");
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        fprintf(out, "| `%s` | `%s` | %s |\n", variable->name, variable->fallback, variable->help);
    markdown_problems(out);
}
