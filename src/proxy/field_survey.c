/* This module says what each field of a head is to a proxy (field_survey.h).
 *
 * Runs on the worker that serves the connection. The kind of a field depends on its name, and
 * on what Connection names, which is known only when all fields have been seen: hence a survey
 * before the head is written.
 *
 * Invariants
 * 1. Connection names away end-to-end fields only (the client's own Authorization is one). All
 * other kinds have a rule of their own.
 * 2. Work is linear in the head: Connection names at most as many fields as a head may have,
 *    and members beyond that are not looked at.
 * 3. A name spelled with '_' for '-' is one and the same to a CGI-like upstream (both become
 *    HTTP_X_FORWARDED_FOR), and no honest proxy writes it: it is a forgery, whoever sent it,
 *    since a trusted client may well pass on what it did not recognise. */
#include "proxy/field_survey.h"

#include "base/check.h"

/* Does `name` begin with `spelling` (lower case), if '_' is taken for '-'? */
static bool begins(struct span name, struct span spelling)
{
    if (name.len < spelling.len)
        return false;
    for (size_t i = 0; i < spelling.len; i++) {
        char c = name.data[i] == '_' ? '-' : span_lower(name.data[i]);
        if (c != spelling.data[i])
            return false;
    }
    return true;
}

static bool spells(struct span name, struct span spelling)
{
    return name.len == spelling.len && begins(name, spelling);
}

static enum field_kind classify_x(struct span name)
{
    enum field_kind kind = FIELD_END_TO_END;
    if (spells(name, SPAN("x-forwarded-for")))
        kind = FIELD_FORWARDED_FOR;
    else if (spells(name, SPAN("x-forwarded-proto")))
        kind = FIELD_FORWARDED_PROTO;
    else if (spells(name, SPAN("x-forwarded-host")))
        kind = FIELD_FORWARDED_HOST;
    else if (begins(name, SPAN("x-forwarded")))
        kind = FIELD_FORWARDED_OTHER;
    else if (spells(name, SPAN("x-real-ip")))
        kind = FIELD_REAL_IP;
    else if (spells(name, SPAN("x-request-id")))
        kind = FIELD_REQUEST_ID;
    if (kind != FIELD_END_TO_END && span_find(name, '_') < name.len)
        kind = FIELD_FORWARDED_FORGED;
    return kind;
}

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

enum field_kind field_classify(struct span name)
{
    static const struct {
        struct span name;
        enum field_kind kind;
    } known[] = {
        {NAME("te"), FIELD_HOP},
        {NAME("host"), FIELD_HOST},
        {NAME("expect"), FIELD_EXPECT},
        {NAME("trailer"), FIELD_HOP},
        {NAME("upgrade"), FIELD_UPGRADE},
        {NAME("forwarded"), FIELD_FORWARDED},
        {NAME("connection"), FIELD_CONNECTION},
        {NAME("keep-alive"), FIELD_HOP},
        {NAME("authorization"), FIELD_AUTHORIZATION},
        {NAME("content-length"), FIELD_LENGTH},
        {NAME("http2-settings"), FIELD_HOP},
        {NAME("proxy-connection"), FIELD_HOP},
        {NAME("transfer-encoding"), FIELD_HOP},
        {NAME("proxy-authenticate"), FIELD_HOP},
        {NAME("proxy-authorization"), FIELD_HOP},
    };
    if (name.len && span_lower(name.data[0]) == 'x')
        return classify_x(name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (name.len == known[i].name.len && span_eq_nocase(name, known[i].name))
            return known[i].kind;
    return FIELD_END_TO_END;
}

bool field_next_member(struct span *list, struct span *member)
{
    while (span_split(list, ',', member)) {
        *member = span_trim(*member);
        if (member->len)
            return true;
    }
    return false;
}

/* The usual options name no field; those of which there are fields are hop-by-hop anyway. */
static bool is_plain_option(struct span option)
{
    return span_eq_nocase(option, SPAN("keep-alive")) || span_eq_nocase(option, SPAN("close")) ||
           span_eq_nocase(option, SPAN("upgrade"));
}

static void drop_named(struct field_survey *survey, const struct http_field *fields, unsigned count,
                       struct span name)
{
    for (unsigned i = 0; i < count; i++)
        if ((survey->kinds[i] == FIELD_END_TO_END || survey->kinds[i] == FIELD_AUTHORIZATION) &&
            span_eq_nocase(fields[i].name, name))
            survey->kinds[i] = FIELD_HOP;
}

void field_survey(struct field_survey *survey, const struct http_field *fields, unsigned count)
{
    unsigned named = 0;
    check(count <= HTTP_FIELDS_MAX);
    survey->present = 0;
    for (unsigned i = 0; i < count; i++) {
        enum field_kind kind = field_classify(fields[i].name);
        survey->kinds[i] = (uint8_t)kind;
        if (fields[i].value.len)
            survey->present |= UINT32_C(1) << kind;
    }
    if (!(survey->present & UINT32_C(1) << FIELD_CONNECTION))
        return;
    for (unsigned i = 0; i < count; i++) {
        struct span rest = fields[i].value, option;
        if (survey->kinds[i] != FIELD_CONNECTION)
            continue;
        while (named < HTTP_FIELDS_MAX && field_next_member(&rest, &option))
            if (!is_plain_option(option)) {
                drop_named(survey, fields, count, option);
                named++;
            }
    }
}
