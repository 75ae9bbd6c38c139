/* The reference: the schema in words, see reference.h. Reads the tables and writes to a stream;
 * holds nothing. */
#include "config/reference.h"

#include <string.h>

#include "config/setting.h"

#define WIDTH 80 /* of a terminal's lines */

#define SECRET_FACT                                                                                \
    "never shown; \"file:PATH\" takes it from a file, \"${NAME}\" from the environment"

_Static_assert(REFERENCE_RANGE >= SCHEMA_CHOICES, "choices fit where ranges do");

const char *reference_range(const struct setting *setting, char out[REFERENCE_RANGE])
{
    char min[32], max[32];
    switch (setting->type) {
    case SETTING_DURATION:
        snprintf(out, REFERENCE_RANGE, "\"%s\" to \"%s\"", duration_format(setting->min, min),
                 duration_format(setting->max, max));
        return out;
    case SETTING_COUNT:
        snprintf(out, REFERENCE_RANGE, "%lld to %lld", (long long)setting->min,
                 (long long)setting->max);
        return out;
    case SETTING_CHOICE:
        return schema_choices(setting, out);
    default:
        return NULL;
    }
}

/* What stands for the default. */
static const char *default_text(const struct setting *setting, char out[SCHEMA_VALUE])
{
    const char *text = schema_default(setting, out);
    return text ? text : setting->is_required ? "required" : "none";
}

/* "[[routes]]" or "[server]", which is what introduces the section's keys. */
static void print_header(const struct section *section, FILE *out)
{
    fprintf(out, section->is_list ? "[[%s]]" : "[%s]", section->name);
}

/* ---- For a terminal ---- */

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

void reference_section(const struct section *section, FILE *out)
{
    char text[SCHEMA_VALUE];
    print_header(section, out);
    fprintf(out, "\n\n");
    print_wrapped(section->help, 2, out);
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, section->name) != 0)
            continue;
        fprintf(out, "\n  %-16s %s, %s%s\n", setting->name, schema_forms[setting->type].name,
                schema_default(setting, text) ? "default " : "", default_text(setting, text));
        print_wrapped(setting->help, 6, out);
    }
}

static void print_fact(const char *name, const char *value, FILE *out)
{
    fprintf(out, "  %-9s %s\n", name, value);
}

void reference_setting(const struct setting *setting, FILE *out)
{
    const struct section *section = schema_section(span_str(setting->section));
    const struct setting_form *form = &schema_forms[setting->type];
    char text[SCHEMA_VALUE], range[REFERENCE_RANGE];
    print_header(section, out);
    fprintf(out, " %s\n\n", setting->name);
    print_wrapped(setting->help, 2, out);
    fprintf(out, "\n  %-9s %s: %s\n", "type", form->name, form->help);
    if (setting->unit)
        print_fact("unit", setting->unit, out);
    print_fact("default", default_text(setting, text), out);
    if (reference_range(setting, range))
        print_fact(setting->type == SETTING_CHOICE ? "choice" : "range", range, out);
    fprintf(out, "  %-9s %s = %s\n", "example", setting->name, setting->example);
    if (setting->needs_restart)
        print_fact("change", "needs a restart", out);
    if (setting->is_secret)
        print_fact("secret", SECRET_FACT, out);
}

void reference_variable(const struct variable *variable, FILE *out)
{
    fprintf(out, "%s, a variable of the environment\n\n  %s\n\n", variable->name, variable->help);
    print_fact("type", variable->type == VARIABLE_PORT ? "port" : "path", out);
    print_fact("default", variable->fallback, out);
    if (variable->type == VARIABLE_PORT)
        fprintf(out, "  %-9s %u to 65535\n", "range", variable->min);
}

/* ---- Markdown ---- */

static void markdown_setting(const struct section *section, const struct setting *setting,
                             FILE *out)
{
    const struct setting_form *form = &schema_forms[setting->type];
    char text[SCHEMA_VALUE], range[REFERENCE_RANGE];
    const char *has_default = schema_default(setting, text) ? "`" : "";
    fprintf(out, "### `%s.%s`\n\n%s\n\n", section->name, setting->name, setting->help);
    fprintf(out, "- Type: %s (%s)\n", form->name, form->help);
    if (setting->unit)
        fprintf(out, "- Unit: %s\n", setting->unit);
    fprintf(out, "- Default: %s%s%s\n", has_default, default_text(setting, text), has_default);
    if (reference_range(setting, range))
        fprintf(out, "- %s: %s\n", setting->type == SETTING_CHOICE ? "Choice" : "Range", range);
    if (setting->needs_restart)
        fprintf(out, "- A change needs a restart\n");
    if (setting->is_secret)
        fprintf(out, "- A secret: %s\n", SECRET_FACT);
    fprintf(out, "\n```toml\n");
    print_header(section, out);
    fprintf(out, "\n%s = %s\n```\n\n", setting->name, setting->example);
}

static void markdown_section(const struct section *section, FILE *out)
{
    fprintf(out, "## `");
    print_header(section, out);
    fprintf(out, "`\n\n%s\n\n", section->help);
    for (size_t i = 0; i < schema_setting_count; i++)
        if (strcmp(schema_settings[i].section, section->name) == 0)
            markdown_setting(section, &schema_settings[i], out);
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
    for (size_t i = 0; i < schema_section_count; i++)
        markdown_section(&schema_sections[i], out);
    fprintf(out, "## Environment\n\n"
                 "An empty variable counts as not set. Where environment and file say the same "
                 "thing, the environment wins. A change needs a restart.\n\n"
                 "| variable | default | meaning |\n"
                 "| --- | --- | --- |\n");
    for (size_t i = 0; i < schema_variable_count; i++)
        fprintf(out, "| `%s` | `%s` | %s |\n", schema_variables[i].name,
                schema_variables[i].fallback, schema_variables[i].help);
    markdown_problems(out);
}
