/* Masking: no secret is left in the source or in what parsers have said, however broken the text
 * around it is; and what is none stays. In the texts, HUSH stands in secrets only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/config_mask.h"
#include "guard_page.h"

/* The text as it is shown, in memory that goes with the next call; `found` may be NULL. */
static struct span masked(struct span text, struct problems *found)
{
    struct config_problems problems = {.source = guard_page_copy(text), .source_len = text.len};
    if (found)
        problems.found = *found;
    config_problems_mask(&problems);
    if (found)
        *found = problems.found;
    assert_non_null(problems.source);
    return span_make(problems.source, problems.source_len);
}

static void assert_masked(const char *text, const char *expected)
{
    struct span shown = masked(span_str(text), NULL);
    if (!span_eq(shown, span_str(expected)))
        fail_msg("%s\nis shown as\n%.*s", text, (int)shown.len, shown.data);
}

static void hides_values(void **state)
{
    (void)state;
    assert_masked("authorization = \"HUSH\"\nhost = \"a\"\n",
                  "authorization = \"****\"\nhost = \"a\"\n");
    assert_masked("{\"authorization\": \"HUSH\", \"host\": \"a\"}",
                  "{\"authorization\": \"****\", \"host\": \"a\"}");
    assert_masked("authorization: HUSH\nhost: a\n", "authorization: ****\nhost: a\n");
    assert_masked("authorization: 'HU''SH'\nhost: a\n", "authorization: '******'\nhost: a\n");
    assert_masked("authorization = \"\"\"HU\nSH\"\"\"\nhost = \"a\"\n",
                  "authorization = \"\"\"**\n**\"\"\"\nhost = \"a\"\n");
    assert_masked("authorization: |\n  HUSH\nhost: a\n", "authorization: *\n******\nhost: a\n");
    assert_masked("authorization = \"HU\\\"SH\"\n", "authorization = \"******\"\n");
    assert_masked("auth\\u006frization: HUSH", "auth\\u006frization: ****");
    /* A character is one asterisk, so that places still fit. */
    assert_masked("authorization = \"\xc3\xa9\xf0\x9f\x8f\x9b\"", "authorization = \"**\"");
    assert_masked("authorization = \"HUSH\"\r\nhost = 1\r\n",
                  "authorization = \"****\"\r\nhost = 1\r\n");
}

static void keeps_what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "host = \"app.test\"\nupstream = \"127.0.0.1:8080\"\n[server]\nworkers = 2\n",
        "hots = \"app.test\"\nupstraem = \"app:1\"\n", /* nearly a key: for did-you-mean */
        "{\"routes\": [{\"host\": \"a.test\", \"upstream\": \"a:1\"}]}",
        "routes:\n  - host: a.test\n    upstream: \"[::1]:80\"\n",
        "gzip = true\nlevel = 9\n", /* too short for a secret */
        "# a comment\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_masked(texts[i], texts[i]);
}

/* All the ways to get it wrong that should not show it; each also cut off anywhere. */
static void hides_it_in_broken_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "authorization = HUSH\n",
        "authorization HUSH\n",
        "authorization \"HUSH\"\n",
        "authorization\n= \"HUSH\"\n",
        "authorization: =\"HUSH\"\n",
        "authorization = \"HUSH\n[[routes]]\n",
        "authorization = \"x\" HUSH\n",
        "authorization = 'it's HUSH'\n",
        "authorization = \"\"\"x\nHUSH\n",
        "authorization = [ \"HUSH\" ]\n",
        "authorization = [ \"x\",\n  \"HUSH\" ]\n",
        "authorization = { a = \"HUSH\" }\n",
        "[authorization]\nx = \"HUSH\"\n",
        "AUTHORIZATION = \"HUSH\"\n",
        "autorization = \"HUSH\"\n",
        "authorisation = \"HUSH\"\n",
        "auth.orization = \"HUSH\"\n",
        "authoriz ation = \"HUSH\"\n",
        "proxy_auth = \"HUSH\"\n",
        "basic = \"HUSH\"\n",
        "api-key = \"HUSH\"\n",
        "api_key: HUSH\n",
        "\"private key\": \"HUSHHUSH\"\n",
        "password: HUSH\n",
        "upstream_autorization = \"HUSH\"\n",
        "unknown = \"HUSH of many letters\"\n",
        "unknown: a long HUSH\n",
        "unknown = [\"HUSH\", \"of many\"]\n",
        "sch\xc3\xbcssel = \"HUSH of many letters\"\n",
        "authorization: >-\n    HUSH\n    HUSH\nhost: a\n",
        "authorization:\n  HUSH\n",
        "authorization:\n  - HUSH\n",
        "- authorization: HUSH\n",
        "? authorization\n: HUSH\n",
        "authorization: *HUSH\n",
        "authorization: !!str HUSH\n",
        "authorization: x\n  HUSH: y\n",
        "{\"authorization\":\"HUSH\"",
        "{\"authorization\":HUSH}",
        "{\"authorization\", \"HUSH\"}",
        "{\"authorization\" \"HUSH\"}",
        "{'authorization': 'HUSH'}",
        "{\"\\u0061uthorization\": \"HUSH\"}",
        "{\"a\": 1, \"authorization\": \"x\\\" HUSH",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t len = strlen(texts[i]); len > 0; len--) {
            struct span text = span_make(texts[i], len), shown = masked(text, NULL);
            if (memmem(shown.data, shown.len, "HUSH", 4))
                fail_msg("%.*s\nis shown as\n%.*s", (int)len, texts[i], (int)shown.len, shown.data);
            assert_true(shown.len <= len);
        }
}

/* Whatever the text: only asterisks come in, lines stay lines, and nothing is read beyond the
 * end. */
static void changes_nothing_else(void **state)
{
    (void)state;
    static const char *const pieces[] = {"authorization",
                                         "token",
                                         "host",
                                         "x",
                                         " ",
                                         "  ",
                                         "\n",
                                         "\r\n",
                                         "=",
                                         ":",
                                         ": ",
                                         "\"",
                                         "'",
                                         "\"\"\"",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ",",
                                         "#",
                                         "&",
                                         "*",
                                         "|",
                                         "- ",
                                         "\\",
                                         "\\u0061",
                                         "\xc3\xa9",
                                         "\xff",
                                         "1234567"};
    uint32_t random = 1;
    for (unsigned round = 0; round < 5000; round++) {
        char text[256];
        size_t len = 0, count = round % 16, lines = 0, same = 0;
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                    pieces[(random >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        struct span shown = masked(span_make(text, len), NULL);
        for (size_t i = 0; i < len; i++)
            lines += text[i] == '\n';
        for (size_t i = 0, j = 0; i < shown.len; i++, j++) {
            same += shown.data[i] == '\n';
            if (shown.data[i] == '*') {
                while (j + 1 < len && ((unsigned char)text[j + 1] & 0xc0) == 0x80)
                    j++;
                continue;
            }
            assert_true(j < len && shown.data[i] == text[j]);
        }
        assert_int_equal(same, lines);
    }
}

/* ---- What parsers say ---- */

static void add(struct problems *found, enum problem_code code, unsigned line, unsigned column)
{
    err_hint(problems_add(found, code, "f", line, column, "\"HUSH\" was found"), "HUSH?");
}

static const char source[] = "host = \"a\"\n"
                             "authorization = \"HUSH\" x\n"
                             "upstream = \"a:1\"\n";

static void rewords_what_quotes_it(void **state)
{
    (void)state;
    struct problems found = {0};
    add(&found, PROBLEM_SYNTAX, 2, 18);
    add(&found, PROBLEM_SYNTAX, 2, 24); /* one slip, said twice */
    add(&found, PROBLEM_SYNTAX, 3, 1);
    masked(SPAN(source), &found);
    assert_int_equal(found.count, 2);
    for (size_t i = 0; i < found.count; i++) {
        const struct err *err = &found.items[i];
        assert_int_equal(err->line, i + 2);
        assert_string_equal(err->message, "this cannot be read, and is not shown, since a secret "
                                          "stands here or nearby; a key and its value were "
                                          "expected");
        assert_null(strstr(err->hint, "HUSH"));
        assert_string_equal(err->code, "syntax");
    }
    problems_release(&found);
}

static void leaves_other_problems_alone(void **state)
{
    (void)state;
    struct problems found = {0};
    char text[1024];
    memset(text, ' ', sizeof text);
    memcpy(text, "authorization = \"HUSH\"\n#", 24);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = 'x';
    problems_add(&found, PROBLEM_UNKNOWN_KEY, "f", 1, 1, "says nothing of it");
    problems_add(&found, PROBLEM_DUPLICATE_KEY, "f", 1, 1, "the key, not the value");
    problems_add(&found, PROBLEM_SYNTAX, "f", 3, 1, "too far away to quote it");
    masked(span_make(text, sizeof text), &found);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0].message, "says nothing of it");
    assert_string_equal(found.items[1].message, "the key, not the value");
    assert_string_equal(found.items[2].message, "too far away to quote it");
    problems_release(&found);
}

/* Places beyond the text do no harm. */
static void places_may_be_wrong(void **state)
{
    (void)state;
    static const unsigned places[][2] = {{0, 0}, {1, 0}, {1, 4000}, {2, 4000}, {4, 1}, {4000, 9}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct problems found = {0};
        add(&found, PROBLEM_SYNTAX, places[i][0], places[i][1]);
        masked(SPAN(source), &found);
        assert_int_equal(found.count, 1);
        assert_null(strstr(found.items[0].message, "HUSH"));
        problems_release(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_values),
        cmocka_unit_test(keeps_what_is_none),
        cmocka_unit_test(hides_it_in_broken_texts),
        cmocka_unit_test(changes_nothing_else),
        cmocka_unit_test(rewords_what_quotes_it),
        cmocka_unit_test(leaves_other_problems_alone),
        cmocka_unit_test(places_may_be_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
