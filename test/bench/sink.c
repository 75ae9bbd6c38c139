/* The origin for uploads of scripts/bench: takes bodies, forgets them, answers 200.
 *
 *   bench-sink        prints the port that it listens on, on 127.0.0.1, and runs until killed
 *
 * A web server would read a body that it does not want in small pieces, or write it to a disk;
 * this one lets the kernel discard it, so that the proxy in front is what costs. One detached
 * thread a connection, which owns its descriptor; connections are kept alive. Bodies need a
 * Content-Length, anything else is answered with 411. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, PIECE = 1024 * 1024 };

static const char OK[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
static const char REFUSED[] = "HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n";

static bool discard(int fd, uint64_t left)
{
    while (left > 0) {
        ssize_t got = recv(fd, NULL, left < PIECE ? (size_t)left : PIECE, MSG_TRUNC);
        if (got <= 0)
            return false;
        left -= (uint64_t)got;
    }
    return true;
}

static bool answer(int fd, const char *text)
{
    size_t len = strlen(text);
    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* One request. The client sends nothing before its answer, so whatever follows the head in
 * `head` belongs to the body. */
static bool serve(int fd)
{
    static const char name[] = "\r\ncontent-length:";
    char head[HEAD_MAX + 1];
    size_t len = 0;
    char *end;
    do {
        ssize_t got = recv(fd, head + len, HEAD_MAX - len, 0); /* of 0 bytes: 0, too long */
        if (got <= 0)
            return false;
        len += (size_t)got;
        head[len] = '\0';
    } while ((end = strstr(head, "\r\n\r\n")) == NULL);
    uint64_t early = len - (size_t)(end + 4 - head);
    end[2] = '\0';
    const char *field = strcasestr(head, name);
    if (field == NULL) {
        answer(fd, REFUSED);
        return false;
    }
    uint64_t body = strtoull(field + sizeof name - 1, NULL, 10);
    return body >= early && discard(fd, body - early) && answer(fd, OK);
}

static void *run(void *arg)
{
    int fd = (int)(intptr_t)arg, yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    while (serve(fd)) {
    }
    close(fd);
    return NULL;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1 || bind(listener, (struct sockaddr *)&address, len) == -1 ||
        listen(listener, 1024) == -1 ||
        getsockname(listener, (struct sockaddr *)&address, &len) == -1) {
        perror("bench-sink");
        return 1;
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd == -1)
            continue;
        if (pthread_create(&thread, NULL, run, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}
