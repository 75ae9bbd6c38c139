/* Secrets: what is read from a file of their own, where that lies, and what is refused; and that
 * nothing that is said shows one. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/secret.h"
#include "guard_page.h"
#include "temp_dir.h"

/* Writes bytes, NUL among them, into DIR/NAME. */
static void write_bytes(const char *dir, const char *name, struct span bytes)
{
    FILE *file = fopen(temp_dir_path(dir, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

/* The path has no NUL behind it. */
static int read_secret(const char *config, struct span path, struct value_tree *tree,
                       struct span *secret, mode_t *mode, struct err *err)
{
    *err = (struct err){0};
    return secret_read(config, span_make(guard_page_copy(path), path.len), path, tree, secret, mode,
                       err);
}

static void assert_secret(const char *config, const char *path, const char *expected)
{
    struct value_tree *tree = value_tree_new(0);
    struct span secret = {0};
    struct err err;
    mode_t mode = 0;
    if (read_secret(config, span_str(path), tree, &secret, &mode, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(secret.len, strlen(expected));
    assert_string_equal(secret.data, expected); /* a NUL follows */
    value_tree_free(tree);
}

/* Refused, and the message has `words` in it, but not what the file holds. */
static void assert_refused(const char *config, struct span path, const char *words)
{
    struct value_tree *tree = value_tree_new(0);
    struct span secret = {0};
    struct err err;
    mode_t mode = 0;
    assert_int_equal(read_secret(config, path, tree, &secret, &mode, &err), -1);
    assert_non_null(strstr(err.message, words));
    assert_null(strstr(err.message, "hush"));
    assert_null(strstr(err.hint, "hush"));
    value_tree_free(tree);
}

static void a_line_end_is_no_part_of_it(void **state)
{
    static const struct {
        const char *content, *secret;
    } rows[] = {{"hush", "hush"},        {"hush\n", "hush"},       {"hush\r\n", "hush"},
                {"hush\n\n", "hush\n"},  {" hush \n", " hush "},   {"\thush", "\thush"},
                {"file:x\n", "file:x"},  {"${HOME}\n", "${HOME}"}, {"\n\nhush", "\n\nhush"},
                {"\xc3\xa9", "\xc3\xa9"}};
    const char *dir = *state, *config = temp_dir_path(dir, "portico.toml");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        temp_dir_write(dir, "secret", rows[i].content);
        assert_secret(config, "secret", rows[i].secret);
    }
}

static void paths_begin_beside_the_configuration(void **state)
{
    const char *dir = *state;
    char here[PATH_MAX], absolute[PATH_MAX];
    assert_int_equal(mkdir(temp_dir_path(dir, "conf"), 0700), 0);
    assert_int_equal(mkdir(temp_dir_path(dir, "conf/keys"), 0700), 0);
    temp_dir_write(dir, "token", "above");
    temp_dir_write(dir, "conf/token", "beside");
    temp_dir_write(dir, "conf/keys/token", "below");
    const char *config = temp_dir_path(dir, "conf/portico.toml");
    assert_secret(config, "token", "beside");
    assert_secret(config, "keys/token", "below");
    assert_secret(config, "../token", "above");
    snprintf(absolute, sizeof absolute, "%s/token", dir);
    assert_secret(config, absolute, "above");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(temp_dir_path(dir, "conf")), 0);
    assert_secret("-", "token", "beside"); /* standard input has no directory */
    assert_secret("portico.toml", "token", "beside");
    assert_secret("./keys/portico.toml", "token", "below");
    assert_secret("-", absolute, "above");
    assert_int_equal(chdir(here), 0);
    unlink(temp_dir_path(dir, "conf/keys/token"));
    unlink(temp_dir_path(dir, "conf/token"));
    rmdir(temp_dir_path(dir, "conf/keys"));
    rmdir(temp_dir_path(dir, "conf"));
}

static void tells_the_mode(void **state)
{
    static const struct {
        mode_t mode;
        bool is_open;
    } rows[] = {{0400, false}, {0600, false}, {0640, true},
                {0604, true},  {0444, true},  {0711, false}};
    const char *dir = *state;
    struct value_tree *tree = value_tree_new(0);
    temp_dir_write(dir, "secret", "hush");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span secret;
        struct err err;
        mode_t mode = 0;
        assert_int_equal(chmod(temp_dir_path(dir, "secret"), rows[i].mode), 0);
        assert_int_equal(read_secret(temp_dir_path(dir, "portico.toml"), SPAN("secret"), tree,
                                     &secret, &mode, &err),
                         0);
        assert_int_equal(mode, rows[i].mode);
        assert_int_equal(secret_is_open(mode), rows[i].is_open);
    }
    value_tree_free(tree);
}

static void sizes_are_limited(void **state)
{
    const char *dir = *state, *config = temp_dir_path(dir, "portico.toml");
    static char text[8 * SECRET_MAX];
    memset(text, 's', sizeof text);
    memcpy(text + SECRET_MAX, "\r\n", 3);
    temp_dir_write(dir, "secret", text);
    text[SECRET_MAX] = '\0';
    assert_secret(config, "secret", text);
    text[SECRET_MAX] = 's';
    temp_dir_write(dir, "secret", text); /* SECRET_MAX + 1, and "\n" */
    assert_refused(config, SPAN("secret"), "too large; at most 8192 bytes");
    /* What is cut off where reading ends must not be taken for the line end. */
    memcpy(text + SECRET_MAX + 1, "\r\n", 2);
    write_bytes(dir, "secret", span_make(text, sizeof text));
    assert_refused(config, SPAN("secret"), "too large");
    write_bytes(dir, "secret", SPAN(""));
    assert_refused(config, SPAN("secret"), "empty");
    write_bytes(dir, "secret", SPAN("\r\n"));
    assert_refused(config, SPAN("secret"), "empty");
    write_bytes(dir, "secret", SPAN("hush\0hush"));
    assert_refused(config, SPAN("secret"), "NUL");
}

static void only_files_are_read(void **state)
{
    const char *dir = *state, *config = temp_dir_path(dir, "portico.toml");
    static char longest[PATH_MAX + 8];
    assert_refused(config, SPAN(""), "no path");
    assert_refused(config, SPAN("missing"), "No such file or directory");
    assert_refused(config, SPAN("."), "Is a directory");
    assert_refused(config, SPAN("/dev/null"), "a pipe or a device");
    assert_int_equal(mkfifo(temp_dir_path(dir, "pipe"), 0600), 0);
    assert_refused(config, SPAN("pipe"), "a pipe or a device"); /* and nobody waits for a writer */
    temp_dir_write(dir, "secret", "hush");
    assert_refused(config, SPAN("secret\0x"), "NUL");
    memset(longest, 'x', sizeof longest);
    assert_refused(config, span_make(longest, sizeof longest), "too long");
    assert_int_equal(chmod(temp_dir_path(dir, "secret"), 0), 0);
    if (access(temp_dir_path(dir, "secret"), R_OK) != 0) /* root may read anything */
        assert_refused(config, SPAN("secret"), "Permission denied");
}

/* ---- In a configuration ---- */

#define ROUTE                                                                                      \
    "[[routes]]\nhost = \"app.test\"\nupstream = \"a:1\"\ncert_type = \"none\"\n"                  \
    "authorization = "

/* Loads the file DIR/portico.toml of that text and mode: what it says about it is `code` alone
 * (NULL: nothing), without a word of any secret. What the upstream is to get, or "". */
static void assert_loads(const char *dir, const char *text, mode_t mode, const char *authorization,
                         const char *code)
{
    struct config_problems problems = {0};
    temp_dir_write(dir, "portico.toml", text);
    assert_int_equal(chmod(temp_dir_path(dir, "portico.toml"), mode), 0);
    struct config *config = config_load(temp_dir_path(dir, "portico.toml"), NULL, &problems);
    for (size_t i = 0; i < problems.found.count; i++) {
        assert_null(strstr(problems.found.items[i].message, "hush"));
        assert_null(strstr(problems.found.items[i].hint, "hush"));
    }
    assert_int_equal(problems.found.count, code ? 1 : 0);
    if (code) {
        assert_string_equal(problems.found.items[0].code, code);
        assert_string_equal(problems.found.items[0].pointer, "/routes/0/authorization");
        assert_int_equal(problems.found.items[0].line, 5);
    }
    assert_true((config != NULL) == (authorization != NULL));
    if (config)
        assert_string_equal(config->routes[0].authorization, authorization);
    config_unref(config);
    config_problems_release(&problems);
}

static void a_configuration_takes_it(void **state)
{
    const char *dir = *state;
    setenv("PORTICO_TEST_TOKEN", "Bearer hush", 1);
    setenv("PORTICO_TEST_FILE", "secret", 1);
    temp_dir_write(dir, "secret", "Bearer hush\n");
    chmod(temp_dir_path(dir, "secret"), 0600);
    assert_loads(dir, ROUTE "\"Bearer hush\"\n", 0600, "Bearer hush", NULL);
    assert_loads(dir, ROUTE "\"file:secret\"\n", 0644, "Bearer hush", NULL);
    assert_loads(dir, ROUTE "\"file:${PORTICO_TEST_FILE}\"\n", 0644, "Bearer hush", NULL);
    assert_loads(dir, ROUTE "\"${PORTICO_TEST_TOKEN}\"\n", 0644, "Bearer hush", NULL);
    /* Only what is written decides where it comes from. */
    setenv("PORTICO_TEST_FILE", "file:secret", 1);
    assert_loads(dir, ROUTE "\"${PORTICO_TEST_FILE}\"\n", 0644, "file:secret", NULL);
}

static void others_can_read_it(void **state)
{
    const char *dir = *state;
    temp_dir_write(dir, "secret", "Bearer hush\n");
    chmod(temp_dir_path(dir, "secret"), 0640);
    assert_loads(dir, ROUTE "\"Bearer hush\"\n", 0604, "Bearer hush", "readable-secret");
    assert_loads(dir, ROUTE "\"file:secret\"\n", 0600, "Bearer hush", "readable-secret");
}

static void what_is_none_is_refused(void **state)
{
    const char *dir = *state;
    temp_dir_write(dir, "secret", "hush\nhush\n");
    chmod(temp_dir_path(dir, "secret"), 0600);
    setenv("PORTICO_TEST_TOKEN", "hush\n", 1);
    assert_loads(dir, ROUTE "\"" SECRET_MASK "\"\n", 0600, NULL, "masked-secret");
    assert_loads(dir, ROUTE "\"file:missing\"\n", 0600, NULL, "bad-secret-file");
    assert_loads(dir, ROUTE "\"file:\"\n", 0600, NULL, "bad-secret-file");
    assert_loads(dir, ROUTE "\"file:${PORTICO_TEST_TOKEN}\"\n", 0600, NULL, "bad-secret-file");
    assert_loads(dir, ROUTE "\"file:secret\"\n", 0600, NULL, "bad-field");
    assert_loads(dir, ROUTE "\"${PORTICO_TEST_TOKEN}\"\n", 0600, NULL, "bad-field");
    assert_loads(dir, ROUTE "\"hush \"\n", 0600, NULL, "bad-field");
    assert_loads(dir, ROUTE "[\"hush\"]\n", 0600, NULL, "wrong-type");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_end_is_no_part_of_it),
        TEST(paths_begin_beside_the_configuration),
        TEST(tells_the_mode),
        TEST(sizes_are_limited),
        TEST(only_files_are_read),
        TEST(a_configuration_takes_it),
        TEST(others_can_read_it),
        TEST(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
