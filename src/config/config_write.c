/* This file writes a configuration in any format, see config_write in config.h. The schema says
 * what there is. A configuration is sections in sections, their keys, and lists of texts, so the
 * three formats differ in signs only, and one way to write values suits all of them. Holds nothing.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "config/config.h"
#include "config/setting.h"

struct sheet {
    FILE *out;
    const struct format *format;
    const struct config *config;
    bool with_defaults;
    bool has_lines; /* something stands before */
};

static bool is(const struct sheet *sheet, const struct format *format)
{
    return sheet->format == format;
}

/* Characters that vanish, or end a line for somebody (YAML's are the most). */
static bool is_hidden(uint32_t code)
{
    return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* As the file would have it, which is UTF-8: "${" stands for a variable there, and "$${" for
 * itself. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (struct span rest = span_str(text); rest.len;) {
        size_t len = utf8_char(rest);
        uint32_t code = utf8_decode(rest, len);
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (char)code);
        else if (is_hidden(code))
            fprintf(out, "\\u%04x", (unsigned)code);
        else
            fprintf(out, "%s%.*s", span_has_prefix(rest, SPAN("${")) ? "$" : "", (int)len,
                    rest.data);
        rest = span_from(rest, len);
    }
    fputc('"', out);
}

/* The setting's value, in `text`, which the caller frees; NULL when memory is short. */
static char *value_text(const struct setting *setting, const void *object)
{
    bool is_list = setting->kind->is_list;
    char room[KIND_TEXT], *text = NULL;
    const char *item;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    fputs(is_list ? "[" : "", out);
    for (size_t i = 0; (item = setting_show(setting, object, i, room)) != NULL; i++) {
        fputs(i ? ", " : "", out);
        if (kind_quote(setting->kind, item)[0] == '\0')
            fputs(item, out);
        else
            put_quoted(out, item);
    }
    fputs(is_list ? "]" : "", out);
    fclose(out);
    return text;
}

/* Is it what the setting has when nobody says anything: the default, or what `base` (the struct
 * that the section inherits from, or NULL) has? Secrets look the same and are not. */
static bool is_default(const struct setting *setting, const void *object, const void *base)
{
    char *text = value_text(setting, object), *inherited = base ? value_text(setting, base) : NULL;
    const char *expected = base ? inherited : setting->fallback;
    bool is_same = !setting->is_secret && text && expected && strcmp(text, expected) == 0;
    free(text);
    free(inherited);
    return is_same;
}

/* Is the setting written, rather than left to its default? */
static bool is_written(const struct sheet *sheet, const struct section *section,
                       const struct setting *setting, const void *object)
{
    const void *base = NULL;
    if (section->inherits)
        base = (const char *)sheet->config + section->inherits->offset;
    char text[KIND_TEXT];
    bool has_value = setting->kind->is_list || setting_show(setting, object, 0, text);
    return has_value && ((sheet->with_defaults && !base) || !is_default(setting, object, base));
}

/* Is there anything to write of a section that is no list? */
static bool has_keys(const struct sheet *sheet, const struct section *section, const void *object)
{
    for (const struct setting *setting = section->settings; setting->name; setting++)
        if (is_written(sheet, section, setting, object))
            return true;
    return false;
}

/* A key at that depth, and the sign behind it; "- " stands before the first of a list's item. */
static void put_key(struct sheet *sheet, const char *name, unsigned depth, bool is_first,
                    bool is_item)
{
    int indent = 2 * (int)depth;
    if (is(sheet, &format_json))
        fprintf(sheet->out, "%s\n%*s\"%s\":", is_first ? "" : ",", indent + 2, "", name);
    else if (is(sheet, &format_yaml) && is_item && is_first)
        fprintf(sheet->out, "%*s- %s:", indent - 2, "", name);
    else if (is(sheet, &format_yaml))
        fprintf(sheet->out, "%*s%s:", indent, "", name);
    else
        fprintf(sheet->out, "%s =", name);
}

static void put_value(struct sheet *sheet, const struct setting *setting, const void *object)
{
    char *text = value_text(setting, object);
    fprintf(sheet->out, " %s%s", text ? text : "", is(sheet, &format_json) ? "" : "\n");
    free(text);
}

static bool put_section(struct sheet *sheet, const struct section *section, const void *parent,
                        unsigned depth, bool is_first);

/* The keys and sections of one object. False when there are none to write. */
static bool put_members(struct sheet *sheet, const struct section *section, const void *object,
                        unsigned depth)
{
    bool is_first = true;
    for (const struct setting *setting = section->settings; setting->name; setting++)
        if (is_written(sheet, section, setting, object)) {
            put_key(sheet, setting->name, depth, is_first, section->is_list);
            put_value(sheet, setting, object);
            is_first = false;
        }
    for (const struct section *in = NULL; (in = schema_next(section, in)) != NULL;)
        if (put_section(sheet, in, object, depth, is_first))
            is_first = false;
    return !is_first;
}

/* One object, with what stands before and behind its members. */
static void put_object(struct sheet *sheet, const struct section *section, const void *object,
                       unsigned depth)
{
    int indent = 2 * (int)depth;
    if (is(sheet, &format_toml))
        fprintf(sheet->out, section->is_list ? "%s[[%s]]\n" : "%s[%s]\n",
                sheet->has_lines ? "\n" : "", section->path);
    sheet->has_lines = true;
    fputs(is(sheet, &format_json) ? "{" : "", sheet->out);
    bool has_members = put_members(sheet, section, object, depth);
    if (is(sheet, &format_json))
        fprintf(sheet->out, "\n%*s}", indent, "");
    else if (is(sheet, &format_yaml) && !has_members)
        fprintf(sheet->out, "%*s- {}\n", indent - 2, "");
}

/* A section of `parent`, at the depth of its keys. False when there is nothing to write. */
static bool put_section(struct sheet *sheet, const struct section *section, const void *parent,
                        unsigned depth, bool is_first)
{
    const char *object = (const char *)parent + section->offset;
    bool is_json = is(sheet, &format_json);
    size_t count = 1;
    if (section->is_list) {
        count = *(const size_t *)(const void *)((const char *)parent + section->count_offset);
        object = *(const char *const *)(const void *)object;
    }
    if (count == 0 || (!section->is_list && !has_keys(sheet, section, object)))
        return false;
    if (!is(sheet, &format_toml))
        put_key(sheet, schema_name(section), depth, is_first, section->parent->is_list);
    fputs(is_json                   ? section->is_list ? " [" : " "
          : is(sheet, &format_yaml) ? "\n"
                                    : "",
          sheet->out);
    for (size_t i = 0; i < count; i++) {
        if (is_json && section->is_list)
            fprintf(sheet->out, "%s\n%*s", i ? "," : "", 2 * (int)depth + 4, "");
        put_object(sheet, section, object + i * section->size, depth + 1 + section->is_list);
    }
    if (is_json && section->is_list)
        fprintf(sheet->out, "\n%*s]", 2 * (int)depth + 2, "");
    return true;
}

void config_write(const struct config *config, const struct format *format, bool with_defaults,
                  FILE *out)
{
    struct sheet sheet = {
        .out = out, .format = format, .config = config, .with_defaults = with_defaults};
    fputs(format == &format_json ? "{" : "", out);
    put_members(&sheet, schema_sections, config, 0);
    fputs(format == &format_json ? "\n}\n" : "", out);
}
