/* Lines of a wrong file, as problems show them: which may be seen, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/schema.h"

#define ROUTE "[[routes]]\nhost = \"a.test\"\nupstream = \"a:1\"\n"

/* All that is printed about the text. To be freed. */
static char *printed(const char *path, const char *text)
{
    struct config_problems problems = {0};
    char *words = NULL;
    size_t len;
    FILE *out = open_memstream(&words, &len);
    assert_non_null(out);
    config_unref(config_load_text(path, span_str(text), &problems));
    config_problems_print(&problems, out);
    fclose(out);
    config_problems_release(&problems);
    return words;
}

/* The first problem is followed by `excerpt`. */
static void assert_excerpt(const char *path, const char *text, const char *excerpt)
{
    char *words = printed(path, text), *second = strchr(words, '\n');
    assert_non_null(second);
    if (strncmp(second + 1, excerpt, strlen(excerpt)) != 0)
        fail_msg("%s\nis shown as\n%s", text, words);
    free(words);
}

static void shows_what_is_no_secret(void **state)
{
    (void)state;
    assert_excerpt("t.toml", ROUTE "cert_type = \"non\"\n",
                   "  4 | cert_type = \"non\"\n                  ^\n");
    assert_excerpt("t.toml", "\xef\xbb\xbf[[routes]]\nhost = \"a\"\n",
                   "  1 | [[routes]]\n        ^\n");
    assert_excerpt("t.toml", "server = { workers\t= -1, watch = true }\n" ROUTE,
                   "  1 | server = { workers = -1, watch = true }\n                           ^\n");
    assert_excerpt("t.yaml",
                   "routes:\n  - host: a:1\n    authorization: Basic eHl6\n    upstream: a:1\n",
                   "  2 |   - host: a:1\n                ^\n");
}

#define LONG "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void hides_what_may_be_one(void **state)
{
    (void)state;
    static const char *const toml[] = {
        ROUTE "authorization = [\"Basic eHl6\"]\n",
        ROUTE "authorisation = \"Basic eHl6\"\n",
        ROUTE "[srever]\nkey = \"Basic eHl6\"\n",
        ROUTE "cert_type = \"non\" # Basic eHl6\n",
        "routes = [{ authorization = \"Basic eHl6\", host = \"a:1\" }]\n",
        "routes = [{ authorization = \"\"\"\nBasic eHl6\"\"\", host = \"a:1\", upstream = \"a:1\" "
        "}]\n",
        "[[routes]]\nhost = \"u:eHl6@a:1\"\nupstream = \"a:1\"\n",
        ROUTE "[server]\nrun_dir = [\"\xc2\x9b"
              "eHl6\"]\n", /* to a terminal a command */
        ROUTE "[server]\nworkers = \"\"\"\n[eHl6\"\"\"\n",
        ROUTE "cert_type = \"eHl6\"\nx\n", /* it does not parse */
        ROUTE "cert_type = \"" LONG LONG LONG "eHl6\"\n",
    };
    static const char yaml[] =
        "routes:\n  - host: a\n    upstream: a:1\n      Basic eHl6\n    cert_type: none";
    for (size_t i = 0; i <= sizeof toml / sizeof *toml; i++) {
        bool is_yaml = i == sizeof toml / sizeof *toml;
        char *words = printed(is_yaml ? "t.yaml" : "t.toml", is_yaml ? yaml : toml[i]);
        if (words[0] == '\0' || strstr(words, "eHl6"))
            fail_msg("%s\nis shown as\n%s", is_yaml ? yaml : toml[i], words);
        free(words);
    }
}

/* Of an upstream, what stands before the "@" shows nowhere, and the hint says where it belongs. */
static void hides_passwords_in_places(void **state)
{
    (void)state;
    static const char *const places[] = {"http://admin:pw@b.test:80", "admin:pw@b.test:80",
                                         "https://admin:p@w@b.test/", "admin:pw@", "@"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char text[200];
        snprintf(text, sizeof text, "[[routes]]\nhost = \"a.test\"\nupstream = \"%s\"\n",
                 places[i]);
        char *words = printed("t.toml", text);
        assert_null(strstr(words, "admin"));
        assert_null(strstr(words, "pw"));
        assert_non_null(strstr(words, "\"authorization\""));
        free(words);
    }
}

int main(void)
{
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        unsetenv(variable->name);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_is_no_secret),
        cmocka_unit_test(hides_what_may_be_one),
        cmocka_unit_test(hides_passwords_in_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
