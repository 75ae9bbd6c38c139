/* An address is that of a client, an upstream or a listener; networks are those of trusted
 * proxies.
 *
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are the IPv4 address everywhere: in the log, in
 * comparisons, in limits. */
#ifndef PORTICO_NET_ADDRESS_H
#define PORTICO_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/span.h"

#define ADDRESS_TEXT 48 /* "[2001:db8::1]:65535" and its NUL */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
    socklen_t len;
};

/* From an IP literal: "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". No names, no zone ids.
 * False when it is none. */
bool address_parse_ip(struct span text, uint16_t port, struct address *address);

/* From what accept, getpeername or getaddrinfo gave; unmaps IPv4-mapped addresses. Other
 * families than the two give AF_UNSPEC, port 0, "unknown", and equal nothing. */
void address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct address *address);

/* The address that a connected socket has on this side. 0, or -1 with errno. */
int address_of_socket(int fd, struct address *address);

uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
bool address_is_v6(const struct address *address);

/* Same IP, whatever the ports and scopes. */
bool address_same_ip(const struct address *a, const struct address *b);

/* "192.0.2.1" or "2001:db8::1": without brackets, without port. Returns `out`. */
const char *address_format_ip(const struct address *address, char out[ADDRESS_TEXT]);

/* "192.0.2.1:80" or "[2001:db8::1]:80". Returns `out`. */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT]);

/* What limits per client count by, as 64 bits: the first 64 of an IPv6 address, or an IPv4
 * address behind 32 ones. The two cannot collide, since ffff:ffff::/32 is multicast and never
 * the address of a client. The bits are not mixed: a hash table does that itself. */
uint64_t address_client_key(const struct address *address);

/* A network, "192.168.0.0/16", "fd00::/8", or a single address. */
struct network {
    struct address base;
    unsigned prefix; /* bits */
};

/* False when it is none, or when bits beyond the prefix are set. */
bool network_parse(struct span text, struct network *network);
bool network_contains(const struct network *network, const struct address *address);

#endif
