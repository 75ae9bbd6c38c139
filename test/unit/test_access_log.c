/* The access line: its form, and what cannot be smuggled into it. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/access_log.h"

#define WALL (INT64_C(1795407648) * CLOCK_SECOND + 123456) /* 2026-11-23T04:20:48 */

static struct address client;

static struct access_entry usual(void)
{
    assert_true(address_parse_ip(SPAN("192.0.2.7"), 40000, &client));
    return (struct access_entry){
        .client = &client,
        .method = SPAN("GET"),
        .target = SPAN("/x?y=1"),
        .version = SPAN("HTTP/1.1"),
        .status = 200,
        .bytes = 1234,
        .referer = SPAN("https://other.test/"),
        .agent = SPAN("Mozilla/5.0 (X11)"),
        .host = SPAN("app.test"),
        .duration_us = 12999,
        .upstream_us = 11000,
        .reason = REASON_NONE,
        .request_id = "0123abcd",
        .has_request_line = true,
    };
}

/* The line as a C string, until the next call. Whatever is in it, it is one line of printable
 * ASCII. */
static const char *format(const struct access_entry *entry)
{
    static char text[ACCESS_LOG_MAX + 1];
    size_t len = access_log_format(entry, WALL, text, ACCESS_LOG_MAX);
    assert_true(len <= ACCESS_LOG_MAX);
    text[len] = '\0';
    assert_int_equal(strlen(text), len);
    for (size_t i = 0; i < len; i++)
        assert_in_range(text[i], 0x20, 0x7e);
    return text;
}

/* Is it what a reader of the combined format sees: three quoted fields, then the words? */
static void assert_combined(const char *text)
{
    regex_t regex;
    const char *quoted = "\"([^\"\\]|\\\\.)*\"";
    char pattern[512];
    snprintf(pattern, sizeof pattern,
             "^[0-9a-f.:]+ - - \\[[^]]+\\] %s [0-9]{3} [0-9]+ %s %s host=[^ =]+ "
             "time=[0-9]+\\.[0-9]{3} upstream=([0-9]+\\.[0-9]{3}|-) reason=[^ =]+ id=[^ =]+$",
             quoted, quoted, quoted);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int found = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (found != 0)
        fail_msg("not an access line: %s", text);
}

static void the_usual_line(void **state)
{
    struct access_entry entry = usual();
    (void)state;
    assert_string_equal(format(&entry),
                        "192.0.2.7 - - [23/Nov/2026:04:20:48 +0000] \"GET /x?y=1 HTTP/1.1\" "
                        "200 1234 \"https://other.test/\" \"Mozilla/5.0 (X11)\" host=app.test "
                        "time=0.012 upstream=0.011 reason=- id=0123abcd");
    assert_combined(format(&entry));
}

static void nothing_known(void **state)
{
    struct access_entry entry = {.client = &client, .status = 408, .upstream_us = -1};
    (void)state;
    assert_true(address_parse_ip(SPAN("2001:db8::1"), 40000, &client));
    entry.reason = REASON_HEAD_TIMEOUT;
    assert_string_equal(format(&entry), "2001:db8::1 - - [23/Nov/2026:04:20:48 +0000] \"-\" 408 0 "
                                        "\"-\" \"-\" host=- time=0.000 upstream=- "
                                        "reason=E408-HEAD id=-");
    assert_combined(format(&entry));
    entry.request_id = "";
    assert_non_null(strstr(format(&entry), " id=-"));
}

static void numbers(void **state)
{
    struct access_entry entry = usual();
    (void)state;
    entry.bytes = UINT64_MAX;
    entry.status = 0;
    entry.duration_us = INT64_C(86400) * CLOCK_SECOND + 7999;
    entry.upstream_us = 0;
    const char *text = format(&entry);
    assert_non_null(strstr(text, "HTTP/1.1\" 000 18446744073709551615 "));
    assert_non_null(strstr(text, " time=86400.007 upstream=0.000 "));
    entry.duration_us = -5; /* never, but nothing worse than 0 comes of it */
    assert_non_null(strstr(format(&entry), " time=0.000 "));
}

/* As received: a request that is refused for its version is not shown with another one. */
static void versions(void **state)
{
    struct access_entry entry = usual();
    (void)state;
    entry.version = SPAN("HTTP/2.0");
    assert_non_null(strstr(format(&entry), "\"GET /x?y=1 HTTP/2.0\" 200"));
    entry.version = SPAN("");
    assert_non_null(strstr(format(&entry), "\"GET /x?y=1\" 200"));
    entry.version = SPAN("\"\n");
    assert_non_null(strstr(format(&entry), "\"GET /x?y=1 \\\"\\x0a\" 200"));
    assert_combined(format(&entry));
}

/* Every reason is a word (H30: the code in the log is the code in the answer). */
static void reasons_h30(void **state)
{
    struct access_entry entry = usual();
    (void)state;
    for (int i = 0; i < REASON_COUNT; i++) {
        char expected[64];
        entry.reason = (enum reason)i;
        entry.status = reason_status(entry.reason) ? reason_status(entry.reason) : 200;
        snprintf(expected, sizeof expected, " reason=%s id=", reason_code(entry.reason));
        assert_non_null(strstr(format(&entry), expected));
        assert_combined(format(&entry));
    }
}

static void injections(void **state)
{
    const struct span attacks[] = {
        SPAN("\n1.2.3.4 - - [x] \"GET / HTTP/1.1\" 200 0 \"-\" \"-\""),
        SPAN("\" 200 1 \"-\" \"-\" host=evil reason=- id=1"),
        SPAN("\\"),
        SPAN("\\\""),
        SPAN("\r\n\r\n"),
        SPAN("\x1b[2J\x1b]0;owned\a"),
        SPAN("a\0b"),
        SPAN("\x7f\x80\xff\xc2\x9b"),
        SPAN("x reason=E502-REFUSED id=forged"),
        SPAN("\xe2\x80\xae\xe2\x80\xa8"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        struct access_entry entry = usual();
        entry.method = entry.target = entry.referer = entry.agent = entry.host = attacks[i];
        assert_combined(format(&entry));
        entry.request_id = "a b=c \"\n";
        assert_combined(format(&entry));
    }
}

static void escapes(void **state)
{
    struct access_entry entry = usual();
    (void)state;
    entry.target = SPAN("/\"\\\n\x80");
    entry.agent = SPAN("caf\xc3\xa9");
    entry.host = SPAN("a b=\"");
    const char *text = format(&entry);
    assert_non_null(strstr(text, "\"GET /\\\"\\\\\\x0a\\x80 HTTP/1.1\""));
    assert_non_null(strstr(text, "\"caf\\xc3\\xa9\""));
    assert_non_null(strstr(text, " host=a\\x20b\\x3d\\x22 time="));
}

/* Lines stay below 24 KiB, whole in their form, whatever came. */
static void bounded(void **state)
{
    static char plain[65536], wild[65536];
    (void)state;
    memset(plain, 'a', sizeof plain);
    memset(wild, '\xff', sizeof wild);

    struct access_entry entry = usual();
    entry.target = span_make(plain, ACCESS_LOG_TARGET_MAX);
    const char *text = format(&entry);
    assert_combined(text); /* a target of the largest size that is served is logged whole */
    assert_true(strlen(text) > ACCESS_LOG_TARGET_MAX);
    assert_non_null(strstr(text, "a HTTP/1.1\" 200 1234 "));

    struct span monsters[] = {span_make(plain, sizeof plain), span_make(wild, sizeof wild)};
    for (size_t i = 0; i < 2; i++) {
        entry.method = entry.target = entry.referer = entry.agent = entry.host = monsters[i];
        entry.bytes = UINT64_MAX;
        entry.duration_us = entry.upstream_us = INT64_MAX;
        text = format(&entry);
        assert_combined(text);
        assert_true(strlen(text) < ACCESS_LOG_MAX);
        assert_non_null(strstr(text, " id=0123abcd"));
    }
}

/* Cut off at any size, never beyond it. */
static void cut_off(void **state)
{
    struct access_entry entry = usual();
    char text[512];
    (void)state;
    entry.agent = SPAN("\"\x01 quoted");
    entry.host = SPAN("h\x01st");
    size_t whole = access_log_format(&entry, WALL, text, sizeof text);
    assert_true(whole < sizeof text);
    for (size_t size = 0; size <= whole; size++) {
        memset(text, '!', sizeof text);
        size_t len = access_log_format(&entry, WALL, text, size);
        assert_true(len <= size);
        for (size_t i = size; i < sizeof text; i++)
            assert_int_equal(text[i], '!');
    }
    assert_int_equal(access_log_format(&entry, WALL, text, whole), whole);
}

static void written(void **state)
{
    struct access_entry entry = usual();
    char text[1024];
    int pipes[2];
    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(log_start(pipes[1], STDERR_FILENO, NULL), 0);
    access_log_write(&entry);
    log_stop();
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    assert_true(n > 1);
    assert_int_equal(text[n - 1], '\n');
    text[n - 1] = '\0';
    assert_combined(text);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_line), cmocka_unit_test(nothing_known),
        cmocka_unit_test(numbers),        cmocka_unit_test(versions),
        cmocka_unit_test(reasons_h30),    cmocka_unit_test(injections),
        cmocka_unit_test(escapes),        cmocka_unit_test(bounded),
        cmocka_unit_test(cut_off),        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
