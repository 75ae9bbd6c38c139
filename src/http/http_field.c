/* This module reads the fields of a head: their alphabet, their names, and what some of them mean.
 *
 * Names are told apart by their length first, so that a field nobody asks about costs one
 * switch. Lists are split at every comma: inside a quoted string a comma splits as well, which
 * is harmless because no member that matters here contains one.
 *
 * Pure; any thread. */
#include "http/http_char.h"
#include "http/http_head.h"
#include "http/http_internal.h"

/* One letter a kind of byte keeps the table readable as rows of sixteen. */
enum {
    V = HTTP_CHAR_VALUE,      /* HTAB, SP */
    O = V | HTTP_CHAR_TARGET, /* delimiters, obs-text */
    F = V | HTTP_CHAR_TOKEN,  /* '#', which would begin a fragment */
    T = O | HTTP_CHAR_TOKEN,  /* other tchar */
    H = T | HTTP_CHAR_HOST,   /* '-', '.', '_', letters */
    X = H | HTTP_CHAR_HEX     /* digits, A-F, a-f */
};

/* clang-format off */
const uint8_t http_char_table[256] = {
    /*        0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f */
    /* 00 */  0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
    /* 10 */  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 20 */  V, T, O, F, T, T, T, T, O, O, T, T, O, H, H, O, /*  !"#$%&'()*+,-./ */
    /* 30 */  X, X, X, X, X, X, X, X, X, X, O, O, O, O, O, O, /* 0123456789:;<=>? */
    /* 40 */  O, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H, /* @ABCDEFGHIJKLMNO */
    /* 50 */  H, H, H, H, H, H, H, H, H, H, H, O, O, O, T, H, /* PQRSTUVWXYZ[\]^_ */
    /* 60 */  T, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H, /* `abcdefghijklmno */
    /* 70 */  H, H, H, H, H, H, H, H, H, H, H, O, T, O, T, 0, /* pqrstuvwxyz{|}~  */
    /* 80 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* 90 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* a0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* b0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* c0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* d0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* e0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* f0 */  O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
};
/* clang-format on */

bool http_is_token(struct span s)
{
    return s.len > 0 && http_char_run(s, HTTP_CHAR_TOKEN) == s.len;
}

const struct http_field *http_field_find(const struct http_field *fields, unsigned count,
                                         struct span name)
{
    for (unsigned i = 0; i < count; i++)
        if (span_eq_nocase(fields[i].name, name))
            return &fields[i];
    return NULL;
}

/* The next member of a list that is not empty, without white space around it. */
static bool next_member(struct span *list, struct span *member)
{
    while (span_split(list, ',', member)) {
        *member = span_trim(*member);
        if (member->len)
            return true;
    }
    return false;
}

static void note_connection(struct http_control *control, struct span options)
{
    struct span option;
    while (next_member(&options, &option)) {
        control->close |= span_eq_nocase(option, SPAN("close"));
        control->keep_alive |= span_eq_nocase(option, SPAN("keep-alive"));
        control->upgrade |= span_eq_nocase(option, SPAN("upgrade"));
    }
}

static void note_upgrade(struct http_control *control, struct span protocols)
{
    struct span protocol;
    while (next_member(&protocols, &protocol))
        control->upgrade_protocol |= !span_eq_nocase(protocol, SPAN("h2c"));
}

static void note_expect(struct http_control *control, struct span expectations)
{
    struct span expectation;
    while (next_member(&expectations, &expectation)) {
        if (span_eq_nocase(expectation, SPAN("100-continue")))
            control->expect_continue = true;
        else
            control->expect_other = true;
    }
}

/* "timeout=5, max=100". What cannot be understood is not given. */
static void note_keep_alive(struct http_control *control, struct span parameters)
{
    const struct span timeout = SPAN("timeout=");
    struct span parameter;
    uint64_t seconds;
    while (next_member(&parameters, &parameter))
        if (span_eq_nocase(span_first(parameter, timeout.len), timeout) &&
            span_parse_uint(span_from(parameter, timeout.len), INT32_MAX, &seconds))
            control->keep_alive_timeout = (unsigned)seconds;
}

void http_control_note(struct http_control *control, const struct http_field *field)
{
    const struct span name = field->name;
    switch (name.len) {
    case 4:
        if (span_eq_nocase(name, SPAN("host"))) {
            control->hosts++;
            control->host = field->value;
        }
        break;
    case 6:
        if (span_eq_nocase(name, SPAN("expect")))
            note_expect(control, field->value);
        break;
    case 7:
        if (span_eq_nocase(name, SPAN("upgrade")))
            note_upgrade(control, field->value);
        break;
    case 10:
        if (span_eq_nocase(name, SPAN("connection")))
            note_connection(control, field->value);
        else if (span_eq_nocase(name, SPAN("keep-alive")))
            note_keep_alive(control, field->value);
        break;
    case 14:
        if (span_eq_nocase(name, SPAN("content-length"))) {
            control->lengths++;
            control->length = field->value;
        }
        break;
    case 17:
        if (span_eq_nocase(name, SPAN("transfer-encoding"))) {
            control->codings++;
            control->coding = field->value;
        }
        break;
    default:
        break;
    }
}

bool http_control_persists(const struct http_control *control, unsigned minor)
{
    return !control->close && (minor > 0 || control->keep_alive);
}

enum reason http_control_framing(const struct http_control *control, unsigned minor,
                                 enum http_framing *framing, uint64_t *content_length)
{
    *framing = HTTP_FRAMING_NONE;
    *content_length = 0;
    if (control->codings) {
        if (minor == 0 || control->lengths)
            return REASON_BAD_FRAMING;
        if (control->codings > 1 || !span_eq_nocase(control->coding, SPAN("chunked")))
            return REASON_CODING;
        *framing = HTTP_FRAMING_CHUNKED;
    } else if (control->lengths) {
        if (control->lengths > 1 || !span_parse_uint(control->length, INT64_MAX, content_length))
            return REASON_BAD_LENGTH;
        *framing = HTTP_FRAMING_LENGTH;
    }
    return REASON_NONE;
}
