/* See room_guest.h. */
#include "room_guest.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "interleave.h"

struct room *guest_room(uint32_t slots)
{
    struct room *room = room_new(slots, sizeof(struct guest));
    check(room != NULL);
    return room;
}

struct guest *guest_enter(struct room *room)
{
    struct guest *guest = (struct guest *)(void *)room_acquire(room);
    check(guest != NULL);
    guest->visits = 0;
    for (unsigned i = 0; i < ROOM_INTERESTS; i++) {
        int pair[2];
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
        stream_init(&guest->stream[i], pair[0]);
        guest->peer[i] = pair[1];
    }
    return guest;
}

void guest_leave(struct room *room, struct guest *guest)
{
    for (unsigned i = 0; i < ROOM_INTERESTS; i++) {
        stream_close(&guest->stream[i]);
        if (guest->peer[i] != -1)
            close(guest->peer[i]);
    }
    room_release(room, &guest->slot);
}

enum room_parked guest_park(struct room *room, struct guest *guest, size_t count, int64_t deadline)
{
    struct room_interest interests[ROOM_INTERESTS];
    for (unsigned i = 0; i < ROOM_INTERESTS; i++)
        interests[i] = (struct room_interest){&guest->stream[i], POLLIN};
    return room_park(room, &guest->slot, interests, count, deadline);
}

void guest_write(const struct guest *guest, unsigned which)
{
    check(send(guest->peer[which], "x", 1, MSG_NOSIGNAL) == 1);
}

size_t guest_read(struct guest *guest, unsigned which)
{
    char bytes[64];
    ssize_t n = stream_read(&guest->stream[which], bytes, sizeof bytes);
    return n > 0 ? (size_t)n : 0;
}

struct guest *guest_take(struct room *room)
{
    return (struct guest *)(void *)room_take(room);
}

bool room_is_quiet(struct room *room)
{
    struct guest *bell = guest_enter(room);
    struct room_ticket ticket = room_next_wait(room, &bell->slot);
    check(guest_park(room, bell, 0, CLOCK_NEVER) == ROOM_PARKED);
    room_wake(ticket);
    struct guest *first = guest_take(room);
    if (first == bell)
        guest_leave(room, bell);
    return first == bell;
}

static void *take(void *arg)
{
    struct taker *taker = arg;
    interleave_enter(taker->name);
    taker->taken = guest_take(taker->room);
    room_hand_over(taker->room); /* it does not come back */
    return NULL;
}

void taker_start(struct taker *taker, struct room *room, const char *name)
{
    *taker = (struct taker){.room = room, .name = name};
    check(pthread_create(&taker->thread, NULL, take, taker) == 0);
}

struct guest *taker_join(struct taker *taker)
{
    pthread_join(taker->thread, NULL);
    return taker->taken;
}
