/* Writing a configuration: see config_write.h. The schema says what there is; a configuration is
 * never deeper than sections, their keys, and lists of texts, so the three formats differ in
 * signs only. One way to escape text suits all of them. Holds nothing. */
#include "config/config_write.h"

#include "base/utf8.h"
#include "config/duration.h"
#include "config/schema.h"
#include "config/secret.h"
#include "format/text.h"

struct sheet {
    FILE *out;
    const struct format *format;
    bool has_lines; /* something stands before */
};

static bool is(const struct sheet *sheet, const struct format *format)
{
    return sheet->format == format;
}

/* Characters that vanish, or end a line for somebody (YAML's are the most). */
static bool is_hidden(struct span c, unsigned code)
{
    return c.len == 1 ? code < ' ' || code == 0x7f
                      : (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
                            code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* As the file would have it: "${" stands for a variable there, and "$${" for itself. */
static void put_quoted(FILE *out, const char *text)
{
    struct span rest = span_str(text);
    fputc('"', out);
    while (rest.len) {
        size_t len = utf8_char(rest);
        unsigned code = (unsigned char)rest.data[0];
        for (size_t i = 1; i < len && len < 4; i++)
            code = (i == 1 ? code & (len == 2 ? 0x1f : 0x0f) : code) << 6 |
                   ((unsigned char)rest.data[i] & 0x3f);
        struct span c = span_first(rest, len ? len : 1);
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (char)code);
        else if (code == '\n' || code == '\t')
            fputs(code == '\n' ? "\\n" : "\\t", out);
        else if (len < 4 && is_hidden(c, code))
            fprintf(out, "\\u%04x", code);
        else
            fprintf(out, "%s" SPAN_FMT, span_has_prefix(rest, SPAN("${")) ? "$" : "", SPAN_ARG(c));
        rest = span_from(rest, c.len);
    }
    fputc('"', out);
}

/* May text stand in YAML without quotes: can no reader take it for anything else? */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no",   "on",
                                        "off",  "y",     "n",   "null", NULL};
    char first = span_lower(text[0]);
    for (const char *const *word = words; *word; word++)
        if (span_eq_nocase(span_str(text), span_str(*word)))
            return false;
    for (const char *c = text; *c; c++)
        if (!text_is_word(*c) && !strchr(".@/", *c) && !(*c == ':' && c[1]))
            return false;
    return first >= 'a' && first <= 'z';
}

static void put_list(FILE *out, char *const *list)
{
    fputc('[', out);
    for (char *const *item = list; *item; item++) {
        fputs(item == list ? "" : ", ", out);
        put_quoted(out, *item);
    }
    fputc(']', out);
}

/* The text of a setting's value; NULL for none, and for a list. Returns `out`, or a pointer into
 * the configuration. */
static const char *text_of(const struct setting *setting, const void *member, char out[32])
{
    switch (setting->type) {
    case SETTING_DURATION:
        return duration_format(*(const int64_t *)member, out);
    case SETTING_COUNT:
        snprintf(out, 32, "%u", *(const unsigned *)member);
        return out;
    case SETTING_FLAG:
        return *(const bool *)member ? "true" : "false";
    case SETTING_CHOICE:
        return setting->choices[*(const unsigned *)member];
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        return NULL;
    default:
        return setting->is_secret && *(char *const *)member ? SECRET_MASK : *(char *const *)member;
    }
}

/* Is it what the setting has when nobody says anything? Durations are compared as durations. */
static bool is_default(const struct setting *setting, const char *text, char *const *list)
{
    struct span rest, item;
    int64_t a, b;
    if (setting->fallback == NULL)
        return false;
    if (text)
        return strcmp(text, setting->fallback) == 0 ||
               (setting->type == SETTING_DURATION && duration_parse(span_str(text), &a) &&
                duration_parse(span_str(setting->fallback), &b) && a == b);
    for (rest = span_str(setting->fallback); rest.len && span_split(&rest, ' ', &item); list++)
        if (*list == NULL || !span_eq(span_str(*list), item))
            return false;
    return *list == NULL;
}

/* What stands before a key. */
static void begin_key(struct sheet *sheet, const char *indent, const char *name, unsigned index)
{
    if (is(sheet, &format_json))
        fprintf(sheet->out, "%s\n%s\"%s\": ", index ? "," : "", indent, name);
    else if (is(sheet, &format_yaml))
        fprintf(sheet->out, "%s%s: ", indent, name);
    else
        fprintf(sheet->out, "%s = ", name);
}

/* What stands before a section's keys: nothing for one that has none. */
static void begin_section(struct sheet *sheet, const struct section *section, bool is_first)
{
    if (is(sheet, &format_toml))
        fprintf(sheet->out, section->is_list ? "%s[[%s]]\n" : "%s[%s]\n",
                sheet->has_lines ? "\n" : "", section->name);
    else if (is(sheet, &format_json) && is_first)
        fprintf(sheet->out, "%s\n  \"%s\": %s", sheet->has_lines ? "," : "", section->name,
                section->is_list ? "[\n    {" : "{");
    else if (is(sheet, &format_json))
        fputs(",\n    {", sheet->out);
    else if (is_first)
        fprintf(sheet->out, "%s:\n", section->name);
    sheet->has_lines = true;
}

/* The keys of one object. */
static void put_section(struct sheet *sheet, const struct section *section, const void *object,
                        bool with_defaults, bool is_first)
{
    const char *indent = !section->is_list         ? is(sheet, &format_json) ? "    " : "  "
                         : is(sheet, &format_json) ? "      "
                                                   : "    ";
    unsigned count = 0;
    char text[32];
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        const void *member = (const char *)object + setting->offset;
        if (strcmp(setting->section, section->name) != 0)
            continue;
        const char *value = text_of(setting, member, text);
        bool is_list = setting->type == SETTING_ADDRESSES || setting->type == SETTING_NETWORKS;
        char *const *list = is_list ? *(char *const *const *)member : NULL;
        if ((!value && !list) || (!with_defaults && is_default(setting, value, list)))
            continue;
        if (count == 0)
            begin_section(sheet, section, is_first);
        bool is_dashed = section->is_list && count == 0 && is(sheet, &format_yaml);
        begin_key(sheet, is_dashed ? "  - " : indent, setting->name, count++);
        if (list)
            put_list(sheet->out, list);
        else if (setting->type == SETTING_COUNT || setting->type == SETTING_FLAG ||
                 (is(sheet, &format_yaml) && is_plain(value)))
            fputs(value, sheet->out);
        else
            put_quoted(sheet->out, value);
        if (!is(sheet, &format_json))
            fputc('\n', sheet->out);
    }
    if (is(sheet, &format_json) && count)
        fputs(section->is_list ? "\n    }" : "\n  }", sheet->out);
}

void config_write(const struct config *config, const struct format *format, bool with_defaults,
                  FILE *out)
{
    struct sheet sheet = {.out = out, .format = format};
    fputs(format == &format_json ? "{" : "", out);
    for (size_t i = 0; i < schema_section_count; i++) {
        const struct section *section = &schema_sections[i];
        if (!section->is_list)
            put_section(&sheet, section, config, with_defaults, true);
        for (size_t j = 0; section->is_list && j < config->route_count; j++)
            put_section(&sheet, section, &config->routes[j], with_defaults, j == 0);
        if (section->is_list && format == &format_json)
            fputs("\n  ]", out);
    }
    fputs(format == &format_json ? "\n}\n" : "", out);
}
