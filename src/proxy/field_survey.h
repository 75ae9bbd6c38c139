/* A survey says what each field of a head is to a proxy, before anything is written (rows H15 to
 * H18 of the table in src/README.md). It is pure. */
#ifndef PORTICO_PROXY_FIELD_SURVEY_H
#define PORTICO_PROXY_FIELD_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http_head.h"

enum field_kind {
    FIELD_END_TO_END,
    FIELD_HOP,        /* concerns one hop only, or was named by Connection */
    FIELD_CONNECTION, /* hop-by-hop, too, and names others */
    FIELD_UPGRADE,    /* hop-by-hop, but written anew when the upgrade goes on */
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_LENGTH,
    FIELD_REQUEST_ID,
    FIELD_AUTHORIZATION,
    FIELD_FORWARDED,        /* Forwarded */
    FIELD_FORWARDED_FOR,    /* X-Forwarded-For */
    FIELD_FORWARDED_PROTO,  /* X-Forwarded-Proto */
    FIELD_FORWARDED_HOST,   /* X-Forwarded-Host */
    FIELD_REAL_IP,          /* X-Real-IP */
    FIELD_FORWARDED_OTHER,  /* any other X-Forwarded-* */
    FIELD_FORWARDED_FORGED, /* any of these, or X-Request-Id, spelled with '_' */
};

struct field_survey {
    uint8_t kinds[HTTP_FIELDS_MAX];
    uint32_t present; /* bit (1 << kind): there is such a field, and it says something */
};

/* By the name alone. */
enum field_kind field_classify(struct span name);

/* Classifies all fields; end-to-end ones that Connection names become FIELD_HOP. */
void field_survey(struct field_survey *survey, const struct http_field *fields, unsigned count);

static inline bool field_survey_has(const struct field_survey *survey, enum field_kind kind)
{
    return survey->present & UINT32_C(1) << kind;
}

/* Takes the next member of a comma-separated list that is not empty, without white space. */
bool field_next_member(struct span *list, struct span *member);

#endif
