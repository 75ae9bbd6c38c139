/* Hosts, upstreams, addresses and networks are names, of which the configuration checks the syntax
 * only: nothing is looked up.
 *
 * What is wrong comes back as the message of a struct err that begins with what follows the
 * name of the setting and the value ("has a scheme; ... was expected"), with a hint. */
#ifndef PORTICO_CONFIG_NAMES_H
#define PORTICO_CONFIG_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define HOST_MAX  253u /* RFC 1035, 3.1, as text */
#define HOST_TEXT (HOST_MAX + 1u)

/* The IP literal (without brackets) in network order. How many bytes: 4, 16, or 0 if it is none. */
size_t ip_bytes(struct span text, unsigned char out[16]);

/* An IP literal, IPv6 without brackets, in its canonical text (RFC 5952; IPv4-mapped IPv6
 * addresses as IPv4), which fits in HOST_TEXT. False when it is none. */
bool ip_canonical(struct span text, char out[HOST_TEXT]);

/* A route's host: a name (letters of either case, digits, "-", "_", dots; a trailing dot is
 * dropped) or an IP literal (IPv6 with or without brackets). `out` is lower case, IP literals
 * canonical. 0, or -1 with `err`. */
int host_parse(struct span text, char out[HOST_TEXT], struct err *err);

/* What follows "USER:PASSWORD@" in an authority or a URL; all of it when there is none. */
struct span host_without_user(struct span text);

#define UPSTREAM_BUILTIN_HELLO "builtin:hello"

/* "host:port", "[::1]:port", or "builtin:hello" (then `host` is empty and *port 0). 0, or -1
 * with `err`. */
int upstream_parse(struct span text, char host[HOST_TEXT], uint16_t *port, struct err *err);

/* An address to listen on: an IP literal, canonical in `out`. 0, or -1 with `err`. */
int listen_parse(struct span text, char out[HOST_TEXT], struct err *err);

/* A network, "192.168.0.0/16", "fd00::/8" or a single address. 0, or -1 with `err`. */
int network_check(struct span text, struct err *err);

/* The value of a field of HTTP: visible ASCII and spaces, but not around it (RFC 9110, 5.5). 0, or
 * -1 with `err`, which quotes nothing. */
#define FIELD_VALUE_MAX 8192u
int field_check(struct span text, struct err *err);

/* A mail address, roughly: the CA has the last word. 0, or -1 with `err`. */
int email_check(struct span text, struct err *err);

#endif
