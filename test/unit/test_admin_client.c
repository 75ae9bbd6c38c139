/* server/admin_client: the protocol of the control socket, over a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"
#include "server/admin_client.h"

struct world {
    struct admin_client client;
    int peer;
    int64_t now;
    char request[ADMIN_REQUEST]; /* what the command was asked */
    unsigned commands;
    int status;
    size_t text; /* how much it answers */
};

static int command(void *arg, const char *request, FILE *out)
{
    struct world *world = arg;
    world->commands++;
    snprintf(world->request, sizeof world->request, "%s", request);
    for (size_t i = 0; i < world->text; i++)
        fputc('x', out);
    return world->status;
}

static void begin(struct world *world)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *world = (struct world){.peer = pair[1], .now = clock_now()};
    admin_client_begin(&world->client, pair[0], world->now);
}

static void say(struct world *world, const char *text, size_t len)
{
    assert_int_equal(send(world->peer, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void step(struct world *world)
{
    admin_client_step(&world->client, world->now, command, world);
}

/* Everything until the end, while the client goes on. */
static size_t hear(struct world *world, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while ((n = recv(world->peer, out + len, size - len, 0)) != 0) {
        if (n > 0)
            len += (size_t)n;
        else
            assert_int_equal(errno, EAGAIN);
        if (world->client.fd != -1)
            step(world);
    }
    return len;
}

static void a_request_and_its_answer(void **state)
{
    char text[64] = "";
    struct world world;
    (void)state;
    for (int status = 0; status < 3; status++) {
        const char *expected[] = {"ok\nxxx", "error 1\nxxx", "error 2\nxxx"};
        begin(&world);
        world.status = status;
        world.text = 3;
        assert_int_equal(admin_client_events(&world.client), POLLIN);
        /* In pieces, of which none is enough but the last. */
        for (const char *c = "reload\n"; *c; c++) {
            assert_int_equal(world.commands, 0);
            say(&world, c, 1);
            step(&world);
        }
        assert_int_equal(world.commands, 1);
        assert_string_equal(world.request, "reload");
        size_t len = hear(&world, text, sizeof text - 1);
        text[len] = '\0';
        assert_string_equal(text, expected[status]);
        assert_int_equal(world.client.fd, -1);
        close(world.peer);
    }
}

static void a_large_answer_arrives_whole(void **state)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(2 * SIZE);
    struct world world;
    (void)state;
    begin(&world);
    world.text = SIZE;
    say(&world, "reload\nand more that is not looked at", 37);
    step(&world);
    assert_int_equal(admin_client_events(&world.client), POLLOUT);
    assert_int_equal(hear(&world, text, 2 * SIZE), SIZE + 3);
    assert_int_equal(world.commands, 1);
    close(world.peer);
    free(text);
}

static void whoever_says_too_much_is_shown_out(void **state)
{
    char rubbish[ADMIN_REQUEST];
    struct world world;
    (void)state;
    memset(rubbish, 'r', sizeof rubbish);
    begin(&world);
    say(&world, rubbish, sizeof rubbish - 1);
    step(&world);
    assert_int_not_equal(world.client.fd, -1);
    say(&world, rubbish, 1);
    step(&world);
    assert_int_equal(world.client.fd, -1);
    assert_int_equal(world.commands, 0);
    close(world.peer);
}

static void whoever_goes_is_forgotten(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    close(world.peer);
    step(&world);
    assert_int_equal(world.client.fd, -1);
    begin(&world);
    say(&world, "rel", 3);
    close(world.peer);
    step(&world);
    assert_int_equal(world.client.fd, -1);
    assert_int_equal(world.commands, 0);
}

static void the_silent_and_the_deaf_have_a_deadline(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.now = world.client.deadline - 1;
    step(&world);
    assert_int_not_equal(world.client.fd, -1);
    world.now = world.client.deadline;
    step(&world);
    assert_int_equal(world.client.fd, -1);
    close(world.peer);

    begin(&world);
    world.text = 1 << 20;
    say(&world, "reload\n", 7);
    step(&world);
    assert_int_not_equal(world.client.fd, -1);
    world.now = world.client.deadline;
    step(&world);
    assert_int_equal(world.client.fd, -1);
    close(world.peer);
}

/* ---- the side that asks ------------------------------------------------------------------- */

static void *serve(void *arg)
{
    struct world *world = arg;
    while (world->client.fd != -1) {
        struct pollfd fd = {.fd = world->client.fd, .events = admin_client_events(&world->client)};
        (void)poll(&fd, 1, -1);
        step(world);
    }
    return NULL;
}

static void both_sides_agree(void **state)
{
    (void)state;
    for (int status = 0; status < 3; status += 2) {
        char *texts[2] = {NULL, NULL};
        size_t lens[2];
        FILE *out = open_memstream(&texts[0], &lens[0]);
        FILE *wrong = open_memstream(&texts[1], &lens[1]);
        struct world world;
        pthread_t thread;
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        world = (struct world){.now = clock_now(), .status = status, .text = 10};
        admin_client_begin(&world.client, pair[0], world.now);
        assert_int_equal(thread_start(&thread, "serve", serve, &world), 0);
        assert_int_equal(admin_ask(pair[1], "reload", out, wrong), status);
        pthread_join(thread, NULL);
        fclose(out);
        fclose(wrong);
        assert_int_equal(lens[0], status ? 0 : 10);
        assert_int_equal(lens[1], status ? 10 : 0);
        free(texts[0]);
        free(texts[1]);
        close(pair[1]);
    }
}

static void an_answer_that_is_none(void **state)
{
    const char *answers[] = {"", "what?\n", "error\n", "error 999\n", "error x\n"};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(send(pair[0], answers[i], strlen(answers[i]), 0),
                         (ssize_t)strlen(answers[i]));
        shutdown(pair[0], SHUT_WR);
        assert_int_equal(admin_ask(pair[1], "reload", stdout, stderr), -1);
        close(pair[0]);
        close(pair[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(whoever_says_too_much_is_shown_out),
        cmocka_unit_test(whoever_goes_is_forgotten),
        cmocka_unit_test(the_silent_and_the_deaf_have_a_deadline),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(an_answer_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
