/* The sentences of yaml_fault.h are made here from what libyaml says. libyaml's own words are about
 * its insides ("did not find expected key"); what the frequent ones mean to somebody who edits a
 * file is in the table below. */
#include "format/yaml_fault.h"

#include "format/text.h"

#define TAB_HINT "YAML allows no tabs for indentation: use spaces"

static const struct fault {
    const char *context; /* how libyaml's context begins; NULL: any */
    const char *problem; /* how its problem begins */
    bool at_context;     /* which of libyaml's two places to show */
    const char *message;
    const char *hint;
} faults[] = {
    {"while scanning a simple key", "could not find expected ':'", true,
     "this is no key; \"key: value\", with a space behind the colon, was expected",
     "text that goes on from the line above is indented further than its key"},
    {NULL, "mapping values are not allowed", false,
     "\":\" is unexpected here; one key and its value were expected",
     "if the text holds \": \", put it in quotes; if not, this line is indented too far, or the "
     "one above lacks its colon, or the space behind it"},
    {NULL, "block sequence entries are not allowed", false,
     "\"-\" is unexpected here; the items of a list were expected below its key",
     "begin the list in the next line, each item with \"- \""},
    {"while scanning an alias", "", true,
     "\"*\" is unexpected here; text without a special character in front was expected",
     "text that begins with \"*\" needs quotes, such as \"*.example.com\""},
    {"while scanning a quoted scalar", "found unexpected", true,
     "this string is not closed; a quotation mark was expected before the end of the file",
     "a string ends with the mark that it begins with"},
    {"while parsing a quoted scalar", "", false,
     "this backslash begins no escape that YAML knows; one such as \\n or \\\\ was expected",
     "to write a backslash, write two, or put the text in apostrophes"},
    {NULL, "found a tab character", false, "a tab is unexpected here; spaces were expected",
     TAB_HINT},
    {NULL, "did not find expected <document start>", false,
     "this stands behind the end of the configuration; nothing more was expected",
     "every key begins at the same column as the first one, and has a colon behind it"},
    {NULL, "did not find expected '-' indicator", false,
     "this is no item of the list above; \"- \" was expected",
     "the lines of one item are indented alike, further than its \"-\""},
    {NULL, "did not find expected key", false,
     "this is indented differently from the keys above, or follows text in quotes; a key and a "
     "colon were expected",
     "keys of the same mapping begin at the same column; a text has quotes around all of it, or "
     "none"},
    {"while parsing a flow node", "did not find expected node content", false,
     "a value is missing here; text, a list or a mapping was expected",
     "a comma is too many, or text with special characters, such as \"[::1]:8080\", lacks its "
     "quotes"},
};

struct place yaml_place(yaml_mark_t mark, struct place end)
{
    return mark.line >= end.line
               ? end
               : (struct place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static bool begins_with(const char *text, const char *prefix)
{
    return prefix == NULL || (text && span_has_prefix(span_str(text), span_str(prefix)));
}

/* What the table says, or else libyaml's own words. */
static void known_fault(struct builder *builder, struct place place, struct place context,
                        const yaml_parser_t *parser)
{
    size_t i = 0, count = sizeof faults / sizeof *faults;
    while (i < count && !(begins_with(parser->context, faults[i].context) &&
                          begins_with(parser->problem, faults[i].problem)))
        i++;
    if (i < count)
        builder_problem(builder, PROBLEM_SYNTAX, faults[i].at_context ? context : place,
                        faults[i].hint, "%s", faults[i].message);
    else
        builder_problem(builder, PROBLEM_SYNTAX, place, "text with special characters needs quotes",
                        "this is no YAML (%s); \"key: value\" was expected", parser->problem);
}

bool yaml_check_characters(struct builder *builder, struct span text)
{
    static const char *const odd[] = {"\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                      "\xef\xbb\xbf"};
    bool is_indent = true;
    for (struct span rest = text; rest.len; rest = span_from(rest, 1)) {
        bool is_odd = is_indent && (unsigned char)rest.data[0] >= 0x80 && text_lookalike(rest);
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
            is_odd =
                is_odd || (rest.data[0] == odd[i][0] && span_has_prefix(rest, span_str(odd[i])));
        if (is_odd && !span_has_prefix(rest, SPAN("\r\n")))
            return builder_unexpected(builder, text_place(text, text.len - rest.len), rest, "text",
                                      NULL);
        is_indent = rest.data[0] == '\n' || (is_indent && strchr(" -\t", rest.data[0]));
    }
    return true;
}

void yaml_fault(struct builder *builder, struct span text, const yaml_parser_t *parser)
{
    struct place end = text_place(text, text.len);
    struct place place = yaml_place(parser->problem_mark, end);
    struct place context = parser->context ? yaml_place(parser->context_mark, end) : place;
    const yaml_char_t *at = parser->buffer.pointer; /* what the scanner looks at */
    struct span next = span_make(at, (size_t)(parser->buffer.last - at));
    if (parser->error == YAML_MEMORY_ERROR)
        builder_exhausted(builder, end);
    else if (parser->error == YAML_READER_ERROR)
        builder_unexpected(builder, text_place(text, parser->problem_offset),
                           span_from(text, parser->problem_offset), "text",
                           "delete it: it cannot be seen");
    else if (begins_with(parser->problem, "found character that cannot start any token"))
        builder_unexpected(builder, place, next, "a key or a value",
                           span_has_prefix(next, SPAN("\t")) ? TAB_HINT
                           : text_lookalike(next)
                               ? NULL
                               : "text that begins with a special character needs quotes");
    else if (begins_with(parser->problem, "did not find expected ',' or "))
        builder_unclosed(
            builder, context, strchr(parser->problem, ']') ? '[' : '{',
            "text that holds brackets or braces, such as an IPv6 address, needs quotes");
    else
        known_fault(builder, place, context, parser);
}
