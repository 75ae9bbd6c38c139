/* This module serves a client of the control socket, and is one for a command (admin_client.h).
 * The thread "admin" runs the serving side, a command in a process of its own the other. */
#include "server/admin_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/span.h"

void admin_client_begin(struct admin_client *client, int fd, int64_t now)
{
    *client = (struct admin_client){.fd = fd, .deadline = now + ADMIN_TIME};
}

void admin_client_end(struct admin_client *client)
{
    if (client->fd != -1)
        close(client->fd);
    free(client->answer);
    *client = ADMIN_CLIENT_NONE;
}

short admin_client_events(const struct admin_client *client)
{
    return client->answer ? POLLOUT : POLLIN;
}

/* Reads what there is. 1: a line is there, 0: not yet, -1: it never will be. */
static int read_request(struct admin_client *client)
{
    for (;;) {
        char *end = memchr(client->request, '\n', client->request_len);
        if (end) {
            *end = '\0';
            return 1;
        }
        size_t room = sizeof client->request - client->request_len;
        ssize_t n = room ? recv(client->fd, client->request + client->request_len, room, 0) : 0;
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return -1;
        client->request_len += (size_t)n;
    }
}

/* Carries the request out. The text comes first, since only then the status is known, and is
 * put behind the status. */
static int answer(struct admin_client *client, admin_command_fn *command, void *arg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return -1;
    int status = command(arg, client->request, out);
    int result = fclose(out);
    if (result == 0)
        result = status ? asprintf(&client->answer, "error %d\n%s", status, text)
                        : asprintf(&client->answer, "ok\n%s", text);
    if (result == -1)
        client->answer = NULL; /* asprintf leaves it undefined */
    else
        client->answer_len = (size_t)result;
    free(text);
    return client->answer ? 0 : -1;
}

/* 1: all is out, 0: not yet, -1: it never will be. */
static int send_answer(struct admin_client *client)
{
    while (client->answer_sent < client->answer_len) {
        ssize_t n = send(client->fd, client->answer + client->answer_sent,
                         client->answer_len - client->answer_sent, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        client->answer_sent += (size_t)n;
    }
    return 1;
}

void admin_client_step(struct admin_client *client, int64_t now, admin_command_fn *command,
                       void *arg)
{
    int result = client->answer ? 1 : read_request(client);
    if (result == 1 && client->answer == NULL) {
        result = answer(client, command, arg) == 0 ? 1 : -1;
        /* The command's own time is not the client's. */
        client->deadline = clock_now() + ADMIN_TIME;
    }
    if (result == 1)
        result = send_answer(client) == 0 ? 0 : -1;
    if (result == -1 || now >= client->deadline)
        admin_client_end(client);
}

/* ---- the other side ----------------------------------------------------------------------- */

int admin_ask(int fd, const char *request, FILE *out, FILE *wrong)
{
    char line[ADMIN_REQUEST];
    int status = -1, len = snprintf(line, sizeof line, "%s\n", request);
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len) /* nobody else fills the socket */
        return -1;
    FILE *answer = fdopen(dup(fd), "r");
    if (answer == NULL)
        return -1;
    if (fgets(line, sizeof line, answer)) {
        uint64_t number;
        struct span said = span_first(span_str(line), strcspn(line, "\n"));
        if (span_eq(said, SPAN("ok")))
            status = 0;
        else if (span_has_prefix(said, SPAN("error ")) &&
                 span_parse_uint(span_from(said, strlen("error ")), 255, &number))
            status = (int)number;
    }
    char text[4096];
    size_t n;
    while (status != -1 && (n = fread(text, 1, sizeof text, answer)) > 0)
        fwrite(text, 1, n, status ? wrong : out);
    fclose(answer);
    return status;
}
