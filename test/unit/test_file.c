/* base/file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "temp_dir.h"

#define LIMIT 8u

static void assert_read(const char *path, enum file_kind kind, const char *expected, mode_t mode)
{
    size_t len;
    mode_t found;
    char *text = file_read(path, LIMIT, kind, &len, &found);
    assert_non_null(text);
    assert_int_equal(len, strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(found, mode);
    free(text);
}

static void assert_not_read(const char *path, enum file_kind kind, int error)
{
    size_t len;
    mode_t mode;
    assert_null(file_read(path, LIMIT, kind, &len, &mode));
    assert_int_equal(errno, error);
}

static void files_up_to_the_limit_are_read(void **state)
{
    static const char *const texts[] = {"", "x", "12345678"};
    const char *path = temp_dir_path(*state, "file");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        temp_dir_write(*state, "file", texts[i]);
        assert_int_equal(chmod(path, 0640), 0);
        assert_read(path, FILE_REGULAR, texts[i], 0640);
        assert_read(path, FILE_ANY, texts[i], 0640);
    }
    temp_dir_write(*state, "file", "123456789");
    assert_not_read(path, FILE_REGULAR, EFBIG);
    assert_not_read(path, FILE_ANY, EFBIG);
}

static void what_is_no_file_is_not_read(void **state)
{
    const char *dir = *state;
    assert_not_read(temp_dir_path(dir, "none"), FILE_ANY, ENOENT);
    assert_not_read("-", FILE_REGULAR, ENOENT);
    assert_not_read(dir, FILE_REGULAR, EISDIR);
    assert_not_read(dir, FILE_ANY, EISDIR);
    assert_int_equal(mkfifo(temp_dir_path(dir, "fifo"), 0600), 0);
    assert_not_read(temp_dir_path(dir, "fifo"), FILE_REGULAR, EINVAL);
    assert_not_read("/dev/zero", FILE_REGULAR, EINVAL);
    assert_not_read("/dev/zero", FILE_ANY, EFBIG);
}

/* Also by the name "-". */
static void pipes_are_read_to_their_end(void **state)
{
    int ends[2], saved = dup(STDIN_FILENO);
    char path[32];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "ab\n", 3), 3);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[1]);
    assert_read("-", FILE_ANY, "ab\n", 0);
    assert_read(path, FILE_ANY, "", 0);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_up_to_the_limit_are_read),
        TEST(what_is_no_file_is_not_read),
        TEST(pipes_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
