/* Units: what is a duration, the and the shortest text of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/units.h"
#include "guard_page.h"

/* The text, directly before a page that nobody may touch. */
static struct span guarded(const char *text)
{
    return span_make(guard_page_copy(span_str(text)), strlen(text));
}

static void reads_and_writes_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t duration;
    } good[] = {{"0s", 0},
                {"1ms", 1000},
                {"1500ms", 1500000},
                {"10s", 10000000},
                {"90s", 90000000},
                {"5m", 300000000},
                {"1h", INT64_C(3600000000)},
                {"30d", INT64_C(2592000000000)}};
    static const char *const bad[] = {"",
                                      "s",
                                      "10",
                                      "10 s",
                                      "1.5s",
                                      "-1s",
                                      "10sec",
                                      "1h30m",
                                      "S10",
                                      "99999999999999999999s",
                                      "1S",
                                      "\xd9\xa1s",
                                      "9223372036854775808ms"};
    char text[32];
    int64_t duration;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(units_parse(&units_duration, guarded(good[i].text), &duration));
        assert_int_equal(duration, good[i].duration);
        assert_string_equal(units_format(&units_duration, duration, text), good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(units_parse(&units_duration, guarded(bad[i]), &duration));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
