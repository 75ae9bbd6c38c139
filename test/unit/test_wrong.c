/* Wrong files and what is said about them: each wrong/NAME.toml, wrong/json/NAME.json and
 * wrong/yaml/NAME.yaml yields the NAME.txt beside it, which has of each problem the place
 * (the JSON pointer where there is no line), the code, the message and the hint. After a change of
 * words, run this with ACCEPT=1 in the environment, from the top of the repository, and read the
 * difference. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/schema.h"

struct folder {
    const char *path, *suffix;
    unsigned at_least; /* files */
};

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

/* What Portico says about the file of that name. */
static char *words_for(const struct folder *folder, const char *name, size_t *len)
{
    char path[512], *words = NULL;
    size_t text_len;
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    char *text = read_file(path, &text_len);
    struct config_problems problems = {0};
    assert_null(config_load_text(name, span_make(text, text_len), &problems));
    FILE *out = open_memstream(&words, len);
    assert_non_null(out);
    for (size_t i = 0; i < problems.found.count; i++) {
        const struct err *err = &problems.found.items[i];
        if (err->line || err->pointer[0] == '\0')
            fprintf(out, "%u:%u", err->line, err->column);
        else
            fputs(err->pointer, out);
        fprintf(out, " %s %s\n%s%s", err->code, err->message, err->hint, err->hint[0] ? "\n" : "");
    }
    fclose(out);
    config_problems_release(&problems);
    free(text);
    return words;
}

static bool check_file(const struct folder *folder, const char *name)
{
    char path[512];
    size_t len, expected_len;
    char *words = words_for(folder, name, &len);
    int stem = (int)(strlen(name) - strlen(folder->suffix));
    snprintf(path, sizeof path, "%s/%.*s.txt", folder->path, stem, name);
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
    const struct folder *folder = *state;
    unsigned count = 0, failed = 0;
    DIR *entries = opendir(folder->path);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (!span_has_suffix(span_str(entry->d_name), span_str(folder->suffix)))
            continue;
        count++;
        failed += !check_file(folder, entry->d_name);
    }
    closedir(entries);
    assert_int_equal(failed, 0);
    assert_true(count >= folder->at_least);
}

int main(void)
{
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        unsetenv(variable->name);
    static struct folder toml = {"test/unit/wrong", ".toml", 80},
                         json = {"test/unit/wrong/json", ".json", 40},
                         yaml = {"test/unit/wrong/yaml", ".yaml", 40};
    const struct CMUnitTest tests[] = {
        {"toml", says_the_right_words, NULL, NULL, &toml},
        {"json", says_the_right_words, NULL, NULL, &json},
        {"yaml", says_the_right_words, NULL, NULL, &yaml},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
