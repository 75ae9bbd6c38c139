/* certs/pem_file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/thread.h"
#include "certs/pem_file.h"
#include "temp_dir.h"

static void what_is_written_is_read(void **state)
{
    const char *dir = *state, *path = temp_dir_path(dir, "x.pem");
    char *text;
    size_t len;
    for (int durable = 0; durable < 2; durable++) {
        assert_int_equal(pem_file_write(path, 0600, "first\n", 6, durable, NULL), 0);
        assert_int_equal(pem_file_write(path, 0600, "second\n", 7, durable, NULL), 0);
        assert_int_equal(pem_file_read(path, &text, &len, NULL), 0);
        assert_int_equal(len, 7);
        assert_string_equal(text, "second\n");
        free(text);
    }
    assert_int_equal(temp_dir_count(dir), 1);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 077};
    const char *dir = *state;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        assert_int_equal(pem_file_write(temp_dir_path(dir, "private"), 0600, "x", 1, true, NULL),
                         0);
        assert_int_equal(pem_file_write(temp_dir_path(dir, "public"), 0644, "x", 1, true, NULL), 0);
        umask(before);
        assert_int_equal(temp_dir_mode(dir, "private"), 0600);
        assert_int_equal(temp_dir_mode(dir, "public"), 0644);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "none" : "all";
        mode_t before = umask(i ? 0777 : 0);
        assert_int_equal(pem_file_make_dir(temp_dir_path(dir, name), NULL), 0);
        umask(before);
        assert_int_equal(temp_dir_mode(dir, name), 0700);
    }
}

static void failures_name_the_path_and_leave_nothing(void **state)
{
    const char *dir = *state;
    struct err err;
    temp_dir_write(dir, "file", "not a directory");

    const char *below = temp_dir_path(dir, "file/x.pem");
    assert_int_equal(pem_file_write(below, 0600, "x", 1, true, &err), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_non_null(strstr(err.message, below));

    const char *nowhere = temp_dir_path(dir, "nowhere/x.pem");
    assert_int_equal(pem_file_write(nowhere, 0600, "x", 1, true, &err), -1);
    assert_int_equal(errno, ENOENT);

    /* The last step fails: a directory stands where the file should go. */
    const char *taken = temp_dir_path(dir, "taken");
    assert_int_equal(mkdir(taken, 0700), 0);
    assert_int_equal(pem_file_write(taken, 0600, "x", 1, true, &err), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(temp_dir_count(dir), 2);

    assert_int_equal(pem_file_make_dir(taken, &err), 0);
    assert_int_equal(pem_file_make_dir(temp_dir_path(dir, "file"), &err), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(pem_file_make_dir(temp_dir_path(dir, "file/sub"), &err), -1);
    assert_non_null(strstr(err.message, "file/sub"));
}

/* A write that fails half-way (here: for the limit on file sizes) keeps the old file. */
static void a_full_disk_keeps_the_old_file(void **state)
{
    const char *dir = *state, *path = temp_dir_path(dir, "x.pem");
    static char big[8192];
    struct rlimit before, small;
    struct err err;
    memset(big, 'b', sizeof big);
    assert_int_equal(pem_file_write(path, 0600, "old", 3, true, NULL), 0);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    int result = pem_file_write(path, 0600, big, sizeof big, true, &err);
    int saved = errno;
    signal(SIGXFSZ, handler);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(result, -1);
    assert_int_equal(saved, EFBIG);
    char *text = temp_dir_read(dir, "x.pem");
    assert_string_equal(text, "old");
    free(text);
    assert_int_equal(temp_dir_count(dir), 1);
}

/* Whoever reads while others write sees one whole file or another. */
static atomic_bool stop;

static void *write_on(void *arg)
{
    static char a[3000], b[5000];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    while (!atomic_load(&stop)) {
        check(pem_file_write(arg, 0600, a, sizeof a, false, NULL) == 0);
        check(pem_file_write(arg, 0600, b, sizeof b, false, NULL) == 0);
    }
    return NULL;
}

static void readers_never_see_half_a_file(void **state)
{
    char *path = strdup(temp_dir_path(*state, "x.pem"));
    pthread_t writer;
    bool seen[2] = {false, false};
    assert_int_equal(pem_file_write(path, 0600, "", 0, false, NULL), 0);
    assert_int_equal(thread_start(&writer, "writer", write_on, path), 0);
    for (int i = 0; i < 500 || !seen[0] || !seen[1]; i++) {
        char *text;
        size_t len;
        assert_int_equal(pem_file_read(path, &text, &len, NULL), 0);
        if (len > 0) {
            assert_int_equal(len, text[0] == 'a' ? 3000 : 5000);
            for (size_t j = 0; j < len; j++)
                assert_int_equal(text[j], text[0]);
            seen[text[0] == 'b'] = true;
        }
        free(text);
    }
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    free(path);
}

static void errors_of_reading_name_the_path(void **state)
{
    const char *path = temp_dir_path(*state, "none");
    struct err err;
    char *text;
    size_t len;
    assert_int_equal(pem_file_read(path, &text, &len, &err), -1);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(err.message, path));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(modes_do_not_depend_on_the_umask),
        TEST(failures_name_the_path_and_leave_nothing),
        TEST(a_full_disk_keeps_the_old_file),
        TEST(readers_never_see_half_a_file),
        TEST(errors_of_reading_name_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
