/* The generated files are current, and say of each key what the schema does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/reference.h"
#include "format/toml_parse.h"

static void assert_current(const char *path, void (*print)(FILE *))
{
    char *wanted = NULL, *found = NULL;
    size_t wanted_len, found_len;
    FILE *out = open_memstream(&wanted, &wanted_len);
    FILE *copy = open_memstream(&found, &found_len);
    FILE *file = fopen(path, "rb");
    assert_non_null(out);
    assert_non_null(copy);
    assert_non_null(file);
    print(out);
    for (int c; (c = fgetc(file)) != EOF;)
        fputc(c, copy);
    fclose(out);
    fclose(copy);
    fclose(file);
    bool is_same = span_eq(span_make(wanted, wanted_len), span_make(found, found_len));
    if (!is_same)
        print_message("%s is stale: run `make generated`\n", path);
    assert_true(is_same);
    free(wanted);
    free(found);
}

static void generated_files_are_current(void **state)
{
    (void)state;
    assert_current("config/reference.md", reference_markdown);
    assert_current("config/schema.json", json_schema_print);
}

/* What is said of a setting, in memory of its own. */
static char *words_for(const struct section *section, const struct setting *setting)
{
    char *words = NULL;
    size_t len;
    FILE *out = open_memstream(&words, &len);
    assert_non_null(out);
    reference_setting(section, setting, out);
    fclose(out);
    return words;
}

static void a_key_is_explained(void **state)
{
    (void)state;
    const struct section *section = schema_section(schema_sections, SPAN("timeouts"));
    char *words = words_for(section, schema_setting(section, SPAN("connect")));
    assert_string_equal(
        words,
        "[timeouts] connect\n"
        "\n"
        "  Connecting to one address of an upstream.\n"
        "\n"
        "  type      duration (text of a whole number and a unit, which is ms, s, m, h or d)\n"
        "  default   \"5s\"\n"
        "  range     \"10ms\" to \"1h\"\n"
        "  example   connect = \"5s\"\n");
    free(words);
}

static void traits_are_named(void **state)
{
    (void)state;
    const struct section *routes = schema_section(schema_sections, SPAN("routes"));
    struct setting setting = {.name = "password",
                              .kind = &kinds[KIND_COUNT],
                              .is_required = true,
                              .max = 9,
                              .unit = "guesses",
                              .example = "7",
                              .help = "Words."};
    char *words = words_for(routes, &setting);
    assert_string_equal(words, "[[routes]] password\n"
                               "\n"
                               "  Words.\n"
                               "\n"
                               "  type      number (a whole number, without quotes)\n"
                               "  unit      guesses\n"
                               "  default   required\n"
                               "  range     0 to 9\n"
                               "  example   password = 7\n");
    free(words);
    setting.needs_restart = setting.is_secret = true;
    words = words_for(routes, &setting);
    assert_non_null(strstr(words, "\n  change    needs a restart\n  secret    never shown; "));
    free(words);
}

/* Sections and variables, where it matters. */
static void sections_and_variables_are_explained(void **state)
{
    (void)state;
    char *words = NULL;
    size_t len;
    FILE *out = open_memstream(&words, &len);
    assert_non_null(out);
    reference_section(schema_section(schema_sections, SPAN("acme")), out);
    fclose(out);
    assert_string_equal(words,
                        "[acme]\n"
                        "\n"
                        "  Certificates from a public CA.\n"
                        "\n"
                        "  email            mail address, none\n"
                        "      Where the CA writes to when a certificate is about to expire. "
                        "Not used\n"
                        "      yet.\n");
    free(words);
    out = open_memstream(&words, &len);
    const struct setting port = {"A_PORT", &kinds[KIND_PORT], .fallback = "80",
                                 .min = 1, .max = 65535,      .help = "a port"};
    const struct setting path = {"A_PATH", &kinds[KIND_PATH], .fallback = "x/", .help = "a path"};
    reference_variable(&port, out);
    reference_variable(&path, out);
    fclose(out);
    assert_string_equal(words, "A_PORT, a variable of the environment\n"
                               "\n"
                               "  a port\n"
                               "\n"
                               "  type      port\n"
                               "  default   80\n"
                               "  range     1 to 65535\n"
                               "A_PATH, a variable of the environment\n"
                               "\n"
                               "  a path\n"
                               "\n"
                               "  type      path\n"
                               "  default   x/\n");
    free(words);
}

/* Defaults and examples are values as they may stand in a file. */
static void defaults_and_examples_are_toml(void **state)
{
    (void)state;
    for (const struct section *in = schema_sections; in->path; in++)
        for (const struct setting *setting = in->settings; setting->name; setting++) {
            char text[1024];
            snprintf(text, sizeof text, "a = %s\nb = %s\n",
                     setting->fallback ? setting->fallback : "0", setting_example(setting));
            struct problems problems = {0};
            struct value_tree *tree = toml_parse("t", span_str(text), &problems);
            assert_non_null(tree);
            assert_true(problems_is_empty(&problems));
            value_tree_free(tree);
            problems_release(&problems);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_files_are_current),
        cmocka_unit_test(a_key_is_explained),
        cmocka_unit_test(traits_are_named),
        cmocka_unit_test(sections_and_variables_are_explained),
        cmocka_unit_test(defaults_and_examples_are_toml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
