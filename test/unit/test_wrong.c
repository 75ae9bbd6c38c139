/* Wrong files and what is said about them, to the letter: each wrong/NAME.toml yields
 * wrong/NAME.txt. After a change of words, run this with ACCEPT=1 in the environment, from the
 * top of the repository, and read the difference. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/schema.h"

#define FOLDER   "test/unit/wrong"
#define AT_LEAST 80

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65536);
    assert_non_null(text);
    *len = file ? fread(text, 1, 65535, file) : 0;
    if (file)
        fclose(file);
    return text;
}

/* What Portico says about wrong/NAME.toml. */
static char *words_for(const char *name, size_t *len)
{
    char path[512], *words = NULL;
    size_t text_len;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    char *text = read_file(path, &text_len);
    struct config_problems problems = {0};
    assert_null(config_load_text(name, span_make(text, text_len), &problems));
    FILE *out = open_memstream(&words, len);
    assert_non_null(out);
    config_problems_print(&problems, out);
    fclose(out);
    config_problems_release(&problems);
    free(text);
    return words;
}

static bool check_file(const char *name)
{
    char path[512];
    size_t len, expected_len;
    char *words = words_for(name, &len);
    snprintf(path, sizeof path, FOLDER "/%.*s.txt", (int)(strlen(name) - strlen(".toml")), name);
    if (getenv("ACCEPT")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(words, 1, len, file);
        fclose(file);
    }
    char *expected = read_file(path, &expected_len);
    bool same = span_eq(span_make(words, len), span_make(expected, expected_len));
    if (!same)
        print_message("%s: expected\n%sbut it says\n%s", name, expected, words);
    free(expected);
    free(words);
    return same;
}

static void says_the_right_words(void **state)
{
    (void)state;
    unsigned count = 0, failed = 0;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!span_has_suffix(span_str(entry->d_name), SPAN(".toml")))
            continue;
        count++;
        failed += !check_file(entry->d_name);
    }
    closedir(folder);
    assert_int_equal(failed, 0);
    assert_true(count >= AT_LEAST);
}

int main(void)
{
    for (size_t i = 0; i < schema_variable_count; i++)
        unsetenv(schema_variables[i].name);
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_the_right_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
