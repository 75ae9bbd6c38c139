/* server/control_socket and server/control_search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "server/control_search.h"
#include "server/control_socket.h"
#include "temp_dir.h"

static struct config config_of(const char *run_dir, const char *cert_dir)
{
    return (struct config){.path = (char *)(uintptr_t) "-",
                           .run_dir = (char *)(uintptr_t)run_dir,
                           .cert_dir = (char *)(uintptr_t)cert_dir};
}

static void expect_a_talk(const struct control_socket *control)
{
    char byte = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, control->path, sizeof control->path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int fd = control_socket_accept(control);
    assert_int_not_equal(fd, -1);
    assert_int_equal(send(client, "x", 1, 0), 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_int_equal(control_socket_accept(control), -1);
    close(fd);
    close(client);
}

static void it_is_found_and_private(void **state)
{
    static const mode_t masks[] = {0000, 0022, 0777};
    static const char *const dirs[] = {"run0", "run1", "run2"};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct config config = config_of(temp_dir_path(*state, dirs[i]), "/nonexistent");
        struct control_socket control;
        mode_t before = umask(masks[i]);
        assert_int_equal(control_socket_open(&control, &config, NULL), 0);
        umask(before);
        assert_int_equal(temp_dir_mode(*state, dirs[i]), 0700);
        assert_int_equal(temp_dir_mode(config.run_dir, "portico.sock"), 0600);
        assert_int_equal(temp_dir_mode(config.run_dir, "portico.lock"), 0600);
        expect_a_talk(&control);
        control_socket_close(&control);
        assert_int_equal(access(temp_dir_path(config.run_dir, "portico.sock"), F_OK), -1);
    }
}

/* systemd's directories can be read, and so locked, by everybody. */
static void a_lock_on_the_directory_is_no_harm(void **state)
{
    struct config config = config_of(*state, "/nonexistent");
    struct control_socket control;
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    expect_a_talk(&control);
    control_socket_close(&control);
    close(fd);
}

static void without_run_dir(void **state)
{
    char runtime[200], certs[200], list[220];
    snprintf(runtime, sizeof runtime, "%s/runtime", (char *)*state);
    snprintf(certs, sizeof certs, "%s/certs", (char *)*state);
    struct config config = config_of(NULL, certs);
    struct control_socket control;
    unsetenv("RUNTIME_DIRECTORY");
    mkdir(runtime, 0700);
    /* With plain hosts only, nobody else has made CERT_DIR. */
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(temp_dir_mode(*state, "certs"), 0700);
    assert_int_equal(access(temp_dir_path(certs, "portico.sock"), F_OK), 0);
    expect_a_talk(&control);
    control_socket_close(&control);

    snprintf(list, sizeof list, "%s:/elsewhere", runtime);
    setenv("RUNTIME_DIRECTORY", list, 1);
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(access(temp_dir_path(runtime, "portico.sock"), F_OK), 0);
    expect_a_talk(&control);
    unsetenv("RUNTIME_DIRECTORY");
    control_socket_close(&control);
}

/* A dead process's socket is replaced, a living one's is not. */
static void the_dead_and_the_living(void **state)
{
    struct config config = config_of(*state, "/nonexistent");
    struct control_socket control, second;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct err err = {0};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/portico.sock", (char *)*state);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(control_socket_open(&second, &config, &err), -1);
    assert_non_null(strstr(err.message, "another Portico"));
    control_socket_close(&second);
    expect_a_talk(&control);
    control_socket_close(&control);
}

static void directories_that_do_not_serve(void **state)
{
    struct control_socket control;
    struct err err = {0};
    char deep[200];
    snprintf(deep, sizeof deep, "/tmp/%0120d", 7);
    temp_dir_write(*state, "file", "");
    const struct {
        const char *dir, *message;
    } cases[] = {{"/proc/portico", "/proc/portico"},
                 {temp_dir_path(*state, "file"), "file"},
                 {temp_dir_path(*state, "missing/run"), "cannot make the directory"},
                 {deep, "longer than the 107 bytes"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = config_of(cases[i].dir, *state);
        assert_int_equal(control_socket_open(&control, &config, &err), -1);
        if (strstr(err.message, cases[i].message) == NULL)
            fail_msg("%s", err.message);
        assert_int_equal(control.fd, -1);
        control_socket_close(&control);
    }
}

/* ---- looking for it ----------------------------------------------------------------------- */

/* "found" the process of `control`, or what was tried. */
static void search(const struct config *config, const char *path,
                   const struct control_socket *control, char out[1024])
{
    char *text = NULL;
    size_t len = 0;
    FILE *tried = open_memstream(&text, &len);
    int fd = control_search(config, path, tried);
    fclose(tried);
    snprintf(out, 1024, "%s", text);
    free(text);
    if (fd == -1)
        return;
    int found = control_socket_accept(control);
    assert_int_not_equal(found, -1);
    snprintf(out, 1024, "found");
    close(found);
    close(fd);
}

/* By the file that it serves, under any name of it, wherever the socket is. */
static void the_process_of_a_file_is_found(void **state)
{
    char file[200], link[200], other[200], run[200], text[1024];
    snprintf(file, sizeof file, "%s/config.toml", (char *)*state);
    snprintf(link, sizeof link, "%s/link.toml", (char *)*state);
    snprintf(other, sizeof other, "%s/other.toml", (char *)*state);
    snprintf(run, sizeof run, "%s/run", (char *)*state);
    temp_dir_write(*state, "config.toml", "");
    temp_dir_write(*state, "other.toml", "");
    assert_int_equal(symlink("config.toml", link), 0);
    struct control_socket control;
    struct config config = config_of(run, "/nonexistent");
    config.path = file;
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    struct config elsewhere = config_of("/nonexistent", "/nonexistent");
    const struct config *configs[] = {&config, &elsewhere};
    for (size_t i = 0; i < 2; i++) {
        search(configs[i], file, &control, text);
        assert_string_equal(text, "found");
        search(configs[i], link, &control, text);
        assert_string_equal(text, "found");
        search(configs[i], other, &control, text);
        assert_non_null(strstr(text, i ? "/nonexistent/portico.sock (No such file"
                                       : "of a process that serves /"));
        search(configs[i], "/nonexistent/file", &control, text);
        assert_string_not_equal(text, "found");
    }
    /* Also when it is missing: to say so is for the process. */
    assert_int_equal(unlink(file), 0);
    search(&elsewhere, file, &control, text);
    assert_string_equal(text, "found");
    assert_int_equal(control_socket_accept(&control), -1);
    control_socket_close(&control);
    search(&config, file, &control, text);
    assert_non_null(strstr(text, "/run/portico.sock (No such file"));
}

/* It could pass for the one that is meant: not even root takes it. */
static void what_another_user_offers_is_not_taken(void **state)
{
    char file[200], run[200], text[1024];
    if (geteuid() != 0)
        skip();
    snprintf(file, sizeof file, "%s/config.toml", (char *)*state);
    snprintf(run, sizeof run, "%s/run", (char *)*state);
    temp_dir_write(*state, "config.toml", "");
    struct control_socket control;
    struct config config = config_of(run, "/nonexistent");
    config.path = file;
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(chown(temp_dir_path(run, "portico.lock"), 65534, 65534), 0);
    struct config elsewhere = config_of("/nonexistent", "/nonexistent");
    search(&elsewhere, file, &control, text);
    assert_string_not_equal(text, "found");
    /* But where the configuration says so, it is the user that Portico runs as. */
    search(&config, file, &control, text);
    assert_string_equal(text, "found");
    control_socket_close(&control);
}

/* Who looks for it may be in another directory. */
static void relative_paths_are_no_obstacle(void **state)
{
    char before[PATH_MAX], text[1024];
    struct control_socket control;
    struct config config = config_of("run", "/nonexistent");
    temp_dir_write(*state, "config.toml", "");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(*state), 0);
    config.path = (char *)(uintptr_t) "config.toml";
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(chdir(before), 0);
    search(&config, temp_dir_path(*state, "config.toml"), &control, text);
    assert_string_equal(text, "found");
    control_socket_close(&control);
    assert_int_equal(access(temp_dir_path(*state, "run/portico.sock"), F_OK), -1);
}

static void standard_input_is_no_file(void **state)
{
    char text[1024];
    struct control_socket control;
    struct config config = config_of(*state, "/nonexistent");
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    search(&config, "/dev/null", &control, text);
    assert_non_null(strstr(text, "of a process that serves standard input"));
    control_socket_close(&control);
}

static void what_the_kernel_lists(void **state)
{
    char text[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
                  "0: 00000002 00000000 00010000 0001 01 1 /a b/portico.sock\n"
                  "0: 00000002 00000000 00010000 0001 01 2 @/portico.sock\n"
                  "0: 00000002 00000000 00010000 0001 01 3 relative/portico.sock\n"
                  "0: 00000002 00000000 00010000 0001 01 4 /other.sock\n"
                  "0: 00000002 00000000 00010000 0001 01 5\n"
                  "0: 00000003 00000000 00000000 0001 03 6 /connected/portico.sock\n"
                  "0: 00000002 00000000 00010000 0001 01 7 /portico.sock\n";
    struct sockaddr_un address;
    FILE *list = fmemopen(text, strlen(text), "r");
    (void)state;
    assert_true(control_search_next(list, &address));
    assert_string_equal(address.sun_path, "/a b/portico.sock");
    assert_true(control_search_next(list, &address));
    assert_string_equal(address.sun_path, "/portico.sock");
    assert_false(control_search_next(list, &address));
    fclose(list);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_found_and_private),
        TEST(a_lock_on_the_directory_is_no_harm),
        TEST(without_run_dir),
        TEST(the_dead_and_the_living),
        TEST(directories_that_do_not_serve),
        TEST(the_process_of_a_file_is_found),
        TEST(what_another_user_offers_is_not_taken),
        TEST(relative_paths_are_no_obstacle),
        TEST(standard_input_is_no_file),
        TEST(what_the_kernel_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
