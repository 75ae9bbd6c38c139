/* This file decides what YAML's words without quotes mean. YAML's versions 1.1 and 1.2, and their
 * many readers, disagree about no, 012, 1:30 and the like; here only forms that mean the same to
 * all of them are numbers and booleans, and the others are named for the traps they are. */
#include "format/yaml.h"

static bool is_integer(struct span text, int64_t *number)
{
    uint64_t digits;
    bool is_negative = span_has_prefix(text, SPAN("-"));
    struct span rest = span_from(text, is_negative);
    if ((rest.len > 1 && rest.data[0] == '0') || !span_parse_uint(rest, INT64_MAX, &digits))
        return false;
    *number = is_negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

bool yaml_resolve(enum value_type expected, struct value *value)
{
    int64_t number;
    struct span text = value->string;
    if (expected == VALUE_INTEGER && is_integer(text, &number))
        value->integer = number;
    else if (expected == VALUE_BOOLEAN &&
             (span_eq(text, SPAN("true")) || span_eq(text, SPAN("false"))))
        value->boolean = text.data[0] == 't';
    else if (expected != VALUE_STRING)
        return false;
    value->type = expected;
    return true;
}

/* Has it characters, and all from `set`? */
static bool is_of(struct span text, const char *set)
{
    size_t i = 0;
    while (i < text.len && text.data[i] != '\0' && strchr(set, text.data[i]))
        i++;
    return i == text.len && i > 0;
}

#define DIGITS "0123456789"
#define BOOLEAN_HINT                                                                               \
    "YAML 1.1 takes this word for true or false, others for text: write what is expected"
#define NULL_HINT "this means no value at all: to get the default, leave the key out"
#define CASE_HINT "write it in small letters: true or false"

static const struct {
    const char *word, *hint;
} words[] = {{"yes", BOOLEAN_HINT}, {"no", BOOLEAN_HINT}, {"on", BOOLEAN_HINT},
             {"off", BOOLEAN_HINT}, {"y", BOOLEAN_HINT},  {"n", BOOLEAN_HINT},
             {"null", NULL_HINT},   {"~", NULL_HINT},     {"true", CASE_HINT},
             {"false", CASE_HINT}};

const char *yaml_trap(struct span text)
{
    if (span_eq(text, SPAN("true")) || span_eq(text, SPAN("false")))
        return NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq_nocase(text, span_str(words[i].word)))
            return words[i].hint;
    bool has_plus = span_has_prefix(text, SPAN("+"));
    struct span rest = span_from(text, has_plus || span_has_prefix(text, SPAN("-")));
    if (!is_of(span_first(rest, 1), DIGITS))
        return NULL;
    if (is_of(rest, DIGITS) && has_plus)
        return "a number needs no plus sign: write digits alone";
    if (is_of(rest, DIGITS))
        return rest.data[0] != '0' || rest.len == 1 ? NULL
                                                    : "YAML 1.1 takes a zero in front for octal, "
                                                      "others do not: write it without the zero";
    if (rest.data[0] == '0' && is_of(span_from(rest, 2), DIGITS "abcdefABCDEF_") &&
        strchr("xXob", rest.data[1]))
        return "YAML's versions disagree about this notation: write digits alone";
    if (is_of(rest, DIGITS "_"))
        return "only YAML 1.1 knows underscores in a number: write digits alone";
    if (is_of(rest, DIGITS ":"))
        return "YAML 1.1 reads digits with colons in base 60, others as text: write one number "
               "without colons";
    return NULL;
}
