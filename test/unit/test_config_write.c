/* The configuration in force, written and read again, through every pair of formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/load.h"
#include "config/secret.h"

static const struct format *const formats[] = {&format_toml, &format_json, &format_yaml};
static const char *const paths[] = {"t.toml", "t.json", "t.yaml"};
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

/* With another secret for each that is masked, since a mask is not read again. */
static char *written(const struct config *config, const struct format *format, bool with_defaults)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_write(config, format, with_defaults, out);
    fclose(out);
    for (char *mask = text; (mask = strstr(mask, SECRET_MASK)) != NULL;)
        memcpy(mask, "ASecret!", strlen(SECRET_MASK));
    return text;
}

static struct config *load_text(const char *path, const char *text)
{
    struct config_problems problems = {0};
    struct config *config = config_load_text(path, span_str(text), &problems);
    if (config == NULL)
        config_problems_print(&problems, stdout);
    config_problems_release(&problems);
    assert_non_null(config);
    return config;
}

/* To A, from there to B, and the same in JSON at each end. */
static void assert_round_trips(const struct config *config)
{
    char *expected = written(config, &format_json, true);
    for (size_t a = 0; a < FORMAT_COUNT; a++)
        for (size_t b = 0; b < FORMAT_COUNT; b++)
            for (int with_defaults = 0; with_defaults < 2; with_defaults++) {
                char *first = written(config, formats[a], with_defaults);
                struct config *middle = load_text(paths[a], first);
                char *second = written(middle, formats[b], with_defaults);
                struct config *last = load_text(paths[b], second);
                char *found = written(last, &format_json, true);
                assert_string_equal(found, expected);
                free(found);
                config_unref(last);
                free(second);
                config_unref(middle);
                free(first);
            }
    free(expected);
}

static void those_that_come_with_portico(void **state)
{
    (void)state;
    static const char *const files[] = {"config/example.toml", "config/demo.toml"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct config_problems problems = {0};
        struct config *config = config_load(files[i], NULL, &problems);
        config_problems_release(&problems);
        assert_non_null(config);
        assert_round_trips(config);
        config_unref(config);
    }
}

static const char odd[] =
    "[[routes]]\nhost = \"NO\"\nupstream = \"[::1]:08080\"\ncert_type = \"none\"\n"
    "[routes.timeouts]\nanswer = \"7s\"\nbody = \"1m\"\n"
    "[[routes]]\nhost = \"012a\"\nupstream = \"on:1\"\n"
    "[[routes]]\nhost = \"2001:DB8::1\"\nupstream = \"builtin:hello\"\n"
    "[[routes]]\nhost = \"y.\"\nupstream = \"1e3:80\"\ncert_type = \"self_signed\"\n"
    "[server]\nlisten = [\"::ffff:1.2.3.4\"]\ntrusted_proxies = [\"10.0.0.0/8\", \"::/0\"]\n"
    "drain = \"0s\"\nworkers = 0\naccess_log = false\nmax_per_client = 0\n"
    "[timeouts]\nhead = \"1500ms\"\nwrite = \"30d\"\nlinger = \"0s\"\n"
    "[acme]\n";

static void awkward_ones(void **state)
{
    (void)state;
    char text[1024];
    static const char *const emails[] = {"no@x",
                                         "'@'",
                                         "#@#",
                                         "&a@*b",
                                         "012@1e3",
                                         "{a@b}",
                                         "a:@b",
                                         "-@-",
                                         "!@%",
                                         "|@>",
                                         "`@~",
                                         "$@{}$$",
                                         "yes@no",
                                         "caf\xc3\xa9@\xe7\x95\xaa",
                                         "\xc2\x85@\xe2\x80\xa8"};
    struct config *config = load_text("t.toml", "[[routes]]\nhost = \"a\"\nupstream = \"a:1\"\n");
    assert_round_trips(config);
    config_unref(config);
    for (size_t i = 0; i < sizeof emails / sizeof *emails; i++) {
        snprintf(text, sizeof text, "%.*s[acme]\nemail = \"%s\"\n",
                 (int)(strstr(odd, "[acme]") - odd), odd, emails[i]);
        config = load_text("t.toml", text);
        assert_string_equal(config->acme_email, emails[i]);
        assert_round_trips(config);
        config_unref(config);
    }
}

/* What a text means, and not how it is written: a "${" in it stands for no variable. */
static void keeps_what_looks_like_a_variable(void **state)
{
    (void)state;
    static const char *const written_as[] = {"/run/$${HOME}", "$${", "$$${x}", "$$",
                                             "${NONE:-$}{a}"};
    static const char *const meant[] = {"/run/${HOME}", "${", "$${x}", "$$", "${a}"};
    unsetenv("NONE");
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "[[routes]]\nhost = \"a\"\nupstream = \"a:1\"\n[server]\nrun_dir = \"%s\"\n",
                 written_as[i]);
        struct config *config = load_text("t.toml", text);
        assert_string_equal(config->run_dir, meant[i]);
        assert_round_trips(config);
        config_unref(config);
    }
}

static void leaves_defaults_out(void **state)
{
    (void)state;
    struct config *config =
        load_text("t.toml", "[[routes]]\nhost = \"A.test.\"\nupstream = \"a:1\"\n"
                            "cert_type = \"acme\"\n[server]\nlisten = [\"0.0.0.0\", \"::\"]\n"
                            "body_rate = 500\ndrain = \"10s\"\n[timeouts]\nanswer = \"300s\"\n");
    char *text = written(config, &format_toml, false);
    assert_string_equal(text, "[[routes]]\nhost = \"a.test\"\nupstream = \"a:1\"\n"
                              "\n[server]\ndrain = \"10s\"\n");
    free(text);
    text = written(config, &format_toml, true);
    assert_non_null(strstr(text, "\n[timeouts]\nhandshake = \"10s\"\n"));
    assert_non_null(strstr(text, "\nlisten = [\"0.0.0.0\", \"::\"]\n"));
    assert_non_null(strstr(text, "\ntrusted_proxies = []\n"));
    assert_null(strstr(text, "[acme]"));
    free(text);
    config_unref(config);
}

/* Of which the first has nothing but a section of its own, and the second nothing at all. */
static void items_begin_with_a_dash(void **state)
{
    (void)state;
    struct config_route routes[] = {{.cert_type = CERT_ACME}, {.cert_type = CERT_ACME}};
    const struct config config = {.routes = routes, .route_count = 2};
    const char *expected = "routes:\n  - timeouts:\n      connect: \"1s\"\n  - {}\n";
    routes[0].timeouts.connect = CLOCK_SECOND;
    char *text = written(&config, &format_yaml, false);
    assert_memory_equal(text, expected, strlen(expected));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_come_with_portico),     cmocka_unit_test(awkward_ones),
        cmocka_unit_test(keeps_what_looks_like_a_variable), cmocka_unit_test(leaves_defaults_out),
        cmocka_unit_test(items_begin_with_a_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
