/* YAML that is none: see yaml_fault.h. libyaml's own words are about its insides ("did not find
 * expected key"); what they mean to somebody who edits a file is in the table below. */
#include "format/yaml_fault.h"

#include "base/utf8.h"
#include "format/text.h"

/* ---- Characters ---- */

/* What stands at the beginning of `rest`, if YAML does not allow it or nobody sees what it is;
 * NULL if it is fine. */
static const char *bad_character(struct span rest, char what[TEXT_DESCRIBE])
{
    unsigned char c = (unsigned char)rest.data[0];
    if (c == '\n' || span_has_prefix(rest, SPAN("\r\n")))
        return NULL;
    if (text_is_control(rest.data[0]))
        return text_describe(rest, what);
    if (c < 0xc2 || (c > 0xc2 && c < 0xe2))
        return NULL;
    if (c == 0xc2 && rest.len > 1 && (unsigned char)rest.data[1] < 0xa0)
        return "a control character (from U+0080 to U+009F)";
    if (span_has_prefix(rest, SPAN("\xe2\x80\xa8")) || span_has_prefix(rest, SPAN("\xe2\x80\xa9")))
        return "a line separator (U+2028 or U+2029)";
    if (span_has_prefix(rest, SPAN("\xef\xbf\xbe")) || span_has_prefix(rest, SPAN("\xef\xbf\xbf")))
        return "a code that is no character (U+FFFE or U+FFFF)";
    return span_has_prefix(rest, SPAN("\xef\xbb\xbf")) ? text_describe(rest, what) : NULL;
}

bool yaml_check_characters(struct yaml_source *source)
{
    struct span text = source->text;
    unsigned line = 1, column = 1, reported = 0;
    for (size_t i = 0; i < text.len && !problems_is_full(source->problems); i++) {
        char what[TEXT_DESCRIBE];
        struct span rest = span_from(text, i);
        const char *bad = reported == line ? NULL : bad_character(rest, what);
        if (bad) {
            const char *hint = text_lookalike(rest);
            err_hint(problems_add(source->problems, PROBLEM_SYNTAX, source->file, line, column,
                                  "%s is unexpected here; text was expected", bad),
                     "%s", hint ? hint : "delete it: it cannot be seen");
            reported = line;
        }
        if (text.data[i] == '\n') {
            line++;
            column = 0;
        }
        column += i + 1 < text.len && utf8_is_tail(text.data[i + 1]) ? 0 : 1;
    }
    source->last_line = line;
    source->end_column = column;
    return reported == 0;
}

void yaml_place(const struct yaml_source *source, const yaml_mark_t *mark, unsigned *line,
                unsigned *column)
{
    bool is_behind = mark->line >= source->last_line;
    *line = is_behind ? source->last_line : (unsigned)mark->line + 1;
    *column = is_behind ? source->end_column : (unsigned)mark->column + 1;
}

/* ---- Faults ---- */

/* Which of libyaml's two places to show. */
enum where { AT_PROBLEM, AT_CONTEXT };

static const struct fault {
    const char *context; /* how libyaml's context begins; NULL: any */
    const char *problem; /* how its problem begins */
    enum where where;
    const char *message;
    const char *hint;
} faults[] = {
    {"while scanning a simple key", "could not find expected ':'", AT_CONTEXT,
     "this is no key; \"key: value\", with a space behind the colon, was expected",
     "text that goes on from the line above is indented further than its key"},
    {NULL, "mapping values are not allowed", AT_PROBLEM,
     "\":\" is unexpected here; one key and its value were expected",
     "if the text holds \": \", put it in quotes; if not, this line is indented too far, or the "
     "one above lacks its colon, or the space behind it"},
    {NULL, "block sequence entries are not allowed", AT_PROBLEM,
     "\"-\" is unexpected here; the items of a list were expected below its key",
     "begin the list in the next line, each item with \"- \""},
    {NULL, "mapping keys are not allowed", AT_PROBLEM,
     "\"?\" is unexpected here; \"key: value\" was expected",
     "text that begins with \"?\" needs quotes"},
    {"while scanning an alias", "", AT_CONTEXT,
     "\"*\" is unexpected here; text without a special character in front was expected",
     "text that begins with \"*\" needs quotes, such as \"*.example.com\""},
    {"while scanning an anchor", "", AT_CONTEXT,
     "\"&\" is unexpected here; text without a special character in front was expected",
     "text that begins with \"&\" needs quotes"},
    {"while scanning a quoted scalar", "found unexpected", AT_CONTEXT,
     "this string is not closed; a quotation mark was expected before the end of the file",
     "a string ends with the mark that it begins with"},
    {"while parsing a quoted scalar", "", AT_PROBLEM,
     "this backslash begins no escape that YAML knows; one such as \\n or \\\\ was expected",
     "to write a backslash, write two, or put the text in apostrophes"},
    {"while scanning a block scalar", "", AT_PROBLEM,
     "text in several lines is malformed here; \"|\" or \">\" alone, and indented lines were "
     "expected",
     "no setting needs it: put the text in quotes, in one line"},
    {NULL, "found a tab character", AT_PROBLEM, "a tab is unexpected here; spaces were expected",
     "YAML allows no tabs for indentation: use spaces"},
    {"while scanning a %YAML directive", "", AT_CONTEXT,
     "a line that begins with \"%\" is unexpected; no directive was expected", "remove the line"},
    {"while scanning a %TAG directive", "", AT_CONTEXT,
     "a line that begins with \"%\" is unexpected; no directive was expected", "remove the line"},
    {"while scanning a directive", "", AT_CONTEXT,
     "a line that begins with \"%\" is unexpected; no directive was expected", "remove the line"},
    {NULL, "found incompatible YAML document", AT_PROBLEM,
     "a line that begins with \"%\" is unexpected; no directive was expected", "remove the line"},
    {NULL, "found duplicate %", AT_PROBLEM,
     "a line that begins with \"%\" is unexpected; no directive was expected", "remove the line"},
    {"while scanning a tag", "", AT_CONTEXT, "a tag is unexpected here; a value alone was expected",
     "text that begins with \"!\" needs quotes"},
    {"while parsing a tag", "", AT_CONTEXT, "a tag is unexpected here; a value alone was expected",
     "text that begins with \"!\" needs quotes"},
    {NULL, "found undefined tag handle", AT_PROBLEM,
     "a tag is unexpected here; a value alone was expected",
     "text that begins with \"!\" needs quotes"},
    {NULL, "did not find expected <document start>", AT_PROBLEM,
     "this stands behind the end of the configuration; nothing more was expected",
     "every key begins at the same column as the first one, and has a colon behind it"},
    {NULL, "did not find expected '-' indicator", AT_PROBLEM,
     "this is no item of the list above; \"- \" was expected",
     "the lines of one item are indented alike, further than its \"-\""},
    {NULL, "did not find expected key", AT_PROBLEM,
     "this is indented differently from the keys above, or follows text in quotes; a key and a "
     "colon were expected",
     "keys of the same mapping begin at the same column; a text has quotes around all of it, or "
     "none"},
    {NULL, "did not find expected ',' or ']'", AT_CONTEXT,
     "this bracket is not closed; \",\" or \"]\" was expected behind each item",
     "text that holds brackets, such as an IPv6 address, needs quotes"},
    {NULL, "did not find expected ',' or '}'", AT_CONTEXT,
     "this brace is not closed; \",\" or \"}\" was expected behind each value",
     "text that holds braces needs quotes"},
    {"while parsing a flow node", "did not find expected node content", AT_PROBLEM,
     "a value is missing here; text, a list or a mapping was expected",
     "a comma is too many, or text with special characters, such as \"[::1]:8080\", lacks its "
     "quotes"},
    {NULL, "did not find expected node content", AT_PROBLEM,
     "a value is missing here; text, a list or a mapping was expected",
     "text that begins with a special character needs quotes"},
};

static struct span text_at(struct span text, const yaml_mark_t *mark)
{
    size_t line = 0, i = 0;
    for (; i < text.len && line < mark->line; i++)
        line += text.data[i] == '\n';
    for (size_t column = 0; i < text.len && column < mark->column; column++)
        do
            i++;
        while (i < text.len && utf8_is_tail(text.data[i]));
    return span_from(text, i);
}

/* "found character that cannot start any token" */
static void bad_start(struct err *err, struct span rest)
{
    const char *hint = text_lookalike(rest);
    if (span_has_prefix(rest, SPAN("\t")))
        err_hint(err, "YAML allows no tabs for indentation: use spaces");
    else if (hint && rest.data[0] != '`')
        err_hint(err, "%s", hint);
    else
        err_hint(err, "text that begins with a special character needs quotes");
}

static bool begins_with(const char *text, const char *prefix)
{
    return prefix == NULL || (text && span_has_prefix(span_str(text), span_str(prefix)));
}

static const struct fault *find_fault(const yaml_parser_t *parser)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (begins_with(parser->context, faults[i].context) &&
            begins_with(parser->problem, faults[i].problem))
            return &faults[i];
    return NULL;
}

/* Reports a space that is none, in the line of the fault or the one above, which may be to blame
 * for it: YAML takes it for a letter. */
static void find_odd_space(const struct yaml_source *source, const yaml_mark_t *mark)
{
    static const char *const spaces[] = {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x8b",
                                         "\xe3\x80\x80"};
    yaml_mark_t at = {.line = mark->line ? mark->line - 1 : 0};
    struct span rest = text_at(source->text, &at);
    while (rest.len && at.line <= mark->line) {
        bool is_odd = false;
        for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
            is_odd = is_odd || span_has_prefix(rest, span_str(spaces[i]));
        char what[TEXT_DESCRIBE];
        if (is_odd) {
            err_hint(problems_add(source->problems, PROBLEM_SYNTAX, source->file,
                                  (unsigned)at.line + 1, (unsigned)at.column + 1,
                                  "%s is unexpected here; plain spaces were expected",
                                  text_describe(rest, what)),
                     "%s", text_lookalike(rest));
            return;
        }
        at.column++;
        if (rest.data[0] == '\n') {
            at.line++;
            at.column = 0;
        }
        rest = span_from(rest, utf8_char(rest));
    }
}

/* libyaml's own words, for what has none of ours. */
static void unknown_fault(const struct yaml_source *source, const yaml_parser_t *parser)
{
    unsigned line, column;
    char what[TEXT_DESCRIBE];
    struct span rest = text_at(source->text, &parser->problem_mark);
    yaml_place(source, &parser->problem_mark, &line, &column);
    if (begins_with(parser->problem, "found character that cannot start any token"))
        bad_start(problems_add(source->problems, PROBLEM_SYNTAX, source->file, line, column,
                               "%s is unexpected here; a key or a value was expected",
                               text_describe(rest, what)),
                  rest);
    else
        problems_add(source->problems, PROBLEM_SYNTAX, source->file, line, column,
                     "this is no YAML (%s); \"key: value\" was expected",
                     parser->problem ? parser->problem : "it cannot be read");
}

void yaml_fault(const struct yaml_source *source, const yaml_parser_t *parser)
{
    const struct fault *fault = find_fault(parser);
    unsigned line, column;
    if (parser->error == YAML_MEMORY_ERROR) {
        problems_add(source->problems, PROBLEM_MEMORY, source->file, 0, 0, "out of memory");
        return;
    }
    find_odd_space(source, &parser->problem_mark);
    if (fault == NULL) {
        unknown_fault(source, parser);
        return;
    }
    bool at_context = fault->where == AT_CONTEXT && parser->context;
    yaml_place(source, at_context ? &parser->context_mark : &parser->problem_mark, &line, &column);
    err_hint(problems_add(source->problems, PROBLEM_SYNTAX, source->file, line, column, "%s",
                          fault->message),
             "%s", fault->hint);
}
