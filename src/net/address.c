/* This module parses, compares and prints addresses and networks (address.h).
 *
 * An address is kept as the sockaddr that system calls take, in one of two families only:
 * whatever comes in as IPv4-mapped IPv6 is turned into IPv4 at the door (unmap), so nothing
 * behind it has to think of that form. Everything here is pure and safe in every thread. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void set_v4(struct address *address, struct in_addr ip, in_port_t port)
{
    *address = (struct address){.len = sizeof address->sa.v4};
    address->sa.v4.sin_family = AF_INET;
    address->sa.v4.sin_addr = ip;
    address->sa.v4.sin_port = port;
}

static void unmap(struct address *address)
{
    struct in6_addr ip = address->sa.v6.sin6_addr;
    if (address_is_v6(address) && IN6_IS_ADDR_V4MAPPED(&ip)) {
        struct in_addr v4;
        memcpy(&v4, &ip.s6_addr[12], sizeof v4);
        set_v4(address, v4, address->sa.v6.sin6_port);
    }
}

/* The IP's bytes in network order; *bits is 32 or 128, or 0 without an address. */
static const uint8_t *ip_bytes(const struct address *address, unsigned *bits)
{
    switch (address->sa.any.sa_family) {
    case AF_INET:
        *bits = 32;
        return (const uint8_t *)&address->sa.v4.sin_addr;
    case AF_INET6:
        *bits = 128;
        return address->sa.v6.sin6_addr.s6_addr;
    default:
        *bits = 0;
        return NULL;
    }
}

/* Whether the first `bits` bits of `a` and `b` are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned mask = 0xff00u >> bits % 8 & 0xff;
    return memcmp(a, b, whole) == 0 && (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool parse_v6(const char *text, uint16_t port, struct address *address)
{
    struct in6_addr ip;
    if (inet_pton(AF_INET6, text, &ip) != 1)
        return false;
    *address = (struct address){.len = sizeof address->sa.v6};
    address->sa.v6.sin6_family = AF_INET6;
    address->sa.v6.sin6_addr = ip;
    address->sa.v6.sin6_port = htons(port);
    unmap(address);
    return true;
}

bool address_parse_ip(struct span text, uint16_t port, struct address *address)
{
    char literal[INET6_ADDRSTRLEN];
    struct in_addr ip;
    bool bracketed =
        text.len >= 2 && span_has_prefix(text, SPAN("[")) && span_has_suffix(text, SPAN("]"));
    if (bracketed)
        text = span_make(text.data + 1, text.len - 2);
    if (!span_copy(text, literal, sizeof literal))
        return false;
    if (bracketed || inet_pton(AF_INET, literal, &ip) != 1)
        return parse_v6(literal, port, address);
    set_v4(address, ip, htons(port));
    return true;
}

void address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct address *address)
{
    *address = (struct address){.sa.any.sa_family = AF_UNSPEC};
    if (sa->sa_family == AF_INET && len >= sizeof address->sa.v4)
        address->len = sizeof address->sa.v4;
    else if (sa->sa_family == AF_INET6 && len >= sizeof address->sa.v6)
        address->len = sizeof address->sa.v6;
    memcpy(&address->sa, sa, address->len);
    unmap(address);
}

int address_of_socket(int fd, struct address *address)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == -1)
        return -1;
    address_from_sockaddr((struct sockaddr *)&sa, len, address);
    return 0;
}

uint16_t address_port(const struct address *address)
{
    /* The port is at the same place in both families, and 0 in neither. */
    return ntohs(address_is_v6(address) ? address->sa.v6.sin6_port : address->sa.v4.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address_is_v6(address))
        address->sa.v6.sin6_port = htons(port);
    else
        address->sa.v4.sin_port = htons(port);
}

bool address_is_v6(const struct address *address)
{
    return address->sa.any.sa_family == AF_INET6;
}

bool address_same_ip(const struct address *a, const struct address *b)
{
    unsigned bits_a, bits_b;
    const uint8_t *ip_a = ip_bytes(a, &bits_a);
    const uint8_t *ip_b = ip_bytes(b, &bits_b);
    return bits_a > 0 && bits_a == bits_b && same_bits(ip_a, ip_b, bits_a);
}

/* inet_ntop would take snprintf for it, on every request. */
static const char *format_v4(const uint8_t ip[4], char out[ADDRESS_TEXT])
{
    char *at = out;
    for (unsigned i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *at++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *at++ = (char)('0' + ip[i] / 10 % 10);
        *at++ = (char)('0' + ip[i] % 10);
        *at++ = i < 3 ? '.' : '\0';
    }
    return out;
}

const char *address_format_ip(const struct address *address, char out[ADDRESS_TEXT])
{
    unsigned bits;
    const uint8_t *ip = ip_bytes(address, &bits);
    if (ip && bits == 32)
        return format_v4(ip, out);
    if (ip == NULL || inet_ntop(address->sa.any.sa_family, ip, out, ADDRESS_TEXT) == NULL)
        snprintf(out, ADDRESS_TEXT, "unknown");
    return out;
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT])
{
    char ip[ADDRESS_TEXT];
    bool v6 = address_is_v6(address);
    snprintf(out, ADDRESS_TEXT, "%s%.39s%s:%u", v6 ? "[" : "", address_format_ip(address, ip),
             v6 ? "]" : "", (unsigned)address_port(address));
    return out;
}

uint64_t address_client_key(const struct address *address)
{
    unsigned bits;
    const uint8_t *ip = ip_bytes(address, &bits);
    unsigned counted = bits == 128 ? 64 : bits;
    uint64_t key = bits == 32 ? UINT32_MAX : 0;
    for (unsigned i = 0; i < counted / 8; i++)
        key = key << 8 | ip[i];
    return key;
}

bool network_parse(struct span text, struct network *network)
{
    struct network parsed;
    uint64_t prefix = 0;
    unsigned bits;
    size_t slash = span_find(text, '/');
    struct span ip = span_first(text, slash);
    if (span_has_prefix(ip, SPAN("[")) || !address_parse_ip(ip, 0, &parsed.base))
        return false;
    const uint8_t *bytes = ip_bytes(&parsed.base, &bits);
    /* The prefix of a mapped network counts from the front of the IPv6 address. */
    unsigned mapped = bits == 32 && span_find(ip, ':') < ip.len ? 96 : 0;
    if (slash == text.len)
        prefix = bits + mapped;
    else if (!span_parse_uint(span_from(text, slash + 1), bits + mapped, &prefix))
        return false;
    if (prefix < mapped)
        return false;
    parsed.prefix = (unsigned)prefix - mapped;
    for (unsigned bit = parsed.prefix; bit < bits; bit++)
        if (bytes[bit / 8] & 0x80u >> bit % 8)
            return false;
    *network = parsed;
    return true;
}

bool network_contains(const struct network *network, const struct address *address)
{
    unsigned bits_network, bits;
    const uint8_t *base = ip_bytes(&network->base, &bits_network);
    const uint8_t *ip = ip_bytes(address, &bits);
    return bits > 0 && bits == bits_network && same_bits(base, ip, network->prefix);
}
