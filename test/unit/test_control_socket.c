/* server/control_socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "server/control_socket.h"
#include "temp_dir.h"

static struct config config_of(const char *run_dir, const char *cert_dir)
{
    return (struct config){.run_dir = (char *)(uintptr_t)run_dir,
                           .cert_dir = (char *)(uintptr_t)cert_dir};
}

static void expect_a_talk(const struct control_socket *control, const struct config *config)
{
    char byte = 0;
    int client = control_socket_connect(config, NULL);
    assert_int_not_equal(client, -1);
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
        expect_a_talk(&control, &config);
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
    expect_a_talk(&control, &config);
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
    expect_a_talk(&control, &config);
    control_socket_close(&control);

    snprintf(list, sizeof list, "%s:/elsewhere", runtime);
    setenv("RUNTIME_DIRECTORY", list, 1);
    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(access(temp_dir_path(runtime, "portico.sock"), F_OK), 0);
    expect_a_talk(&control, &config);
    unsetenv("RUNTIME_DIRECTORY");
    struct err err = {0};
    assert_int_equal(control_socket_connect(&config, &err), -1);
    assert_non_null(strstr(err.message, certs));
    assert_non_null(strstr(err.message, "/run/portico"));
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
    assert_int_equal(control_socket_connect(&config, NULL), -1);
    assert_int_equal(errno, ECONNREFUSED);

    assert_int_equal(control_socket_open(&control, &config, NULL), 0);
    assert_int_equal(control_socket_open(&second, &config, &err), -1);
    assert_non_null(strstr(err.message, "another Portico"));
    control_socket_close(&second);
    expect_a_talk(&control, &config);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_found_and_private),
        TEST(a_lock_on_the_directory_is_no_harm),
        TEST(without_run_dir),
        TEST(the_dead_and_the_living),
        TEST(directories_that_do_not_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
