/* This file decides what YAML's words without quotes mean. YAML's versions 1.1 and 1.2, and their
 * many readers, disagree about no, 012, 1:30 and the like; here only forms that mean the same to
 * all of them are numbers and booleans, and the others are named for the traps they are. */
#include "format/text.h"
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

const char *yaml_trap(struct span text)
{
    bool has_sign = text.len && strchr("+-", text.data[0]);
    struct span rest = span_from(text, has_sign);
    bool is_based = rest.len > 2 && rest.data[0] == '0' && strchr("xXob", rest.data[1]);
    bool is_plain = is_of(rest, DIGITS) && (rest.data[0] != '0' || rest.len == 1);
    if (span_eq(text, SPAN("true")) || span_eq(text, SPAN("false")))
        return NULL;
    if (!is_of(span_first(rest, 1), DIGITS))
        return text_word_hint(text);
    if (!is_based && !is_of(rest, DIGITS "_:"))
        return NULL;
    return is_plain && text.data[0] != '+'
               ? NULL
               : "YAML's versions disagree about this number: write digits alone, without a plus "
                 "sign or zeros in front";
}
