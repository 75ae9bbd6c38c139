/* This file lists every setting that Portico has, see schema.h. A new one is a row here and a
 * member in config.h. */
#include "config/schema.h"

#include <string.h>

#include "base/clock.h"
#include "config/load.h"

#define MINUTE (60 * CLOCK_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define KIND(name)      &kinds[KIND_##name]
#define ROUTE(member)   offsetof(struct config_route, member)
#define SERVER(member)  offsetof(struct config, member)
#define TIMEOUT(member) offsetof(struct config_timeouts, member)

/* ---- Settings ---- */

static const struct setting routes[] = {
    {"host", KIND(HOST), ROUTE(host),
     .help = "The name that clients ask for, or an IP address. Case and a trailing dot do not "
             "matter. Each host has one route.",
     .example = "\"app.example.com\"", .max = HOST_MAX + 1 /* with a dot */, .is_required = true},
    {"upstream", KIND(UPSTREAM), ROUTE(upstream),
     .help = "Where its requests go: host:port, or builtin:hello for a page of Portico's own that "
             "shows the request. A name is looked up while Portico runs, and need not exist when "
             "it starts.",
     .example = "\"127.0.0.1:8080\"", .is_required = true},
    {"cert_type", KIND(CHOICE), ROUTE(cert_type), .fallback = "\"acme\"",
     .help = "Its certificate: acme (a public CA; for now the same as self_signed, with a "
             "warning), self_signed (Portico's own CA), none (HTTP only, without a redirect).",
     .example = "\"self_signed\"", .choices = schema_cert_types},
    {"authorization", KIND(FIELD), ROUTE(authorization),
     .help = "What the upstream gets as the Authorization field, in place of whatever the client "
             "sends: for a service that knows only one password, behind something that knows who "
             "may use it. Everybody who can reach the route has what the password gives.",
     .example = "\"Bearer ${APP_TOKEN}\"", .is_secret = true},
    {0},
};

static const struct setting server[] = {
    {"listen", KIND(ADDRESSES), SERVER(listen), .fallback = "[\"0.0.0.0\", \"::\"]",
     .help = "The addresses to listen on, 16 at most. The ports come from HTTP_PORT and HTTPS_PORT "
             "in the environment. A machine without IPv6 starts without the default's second.",
     .min = 1, .max = SCHEMA_ADDRESSES_MAX},
    {"workers", KIND(COUNT), SERVER(workers), .fallback = "0",
     .help = "The size of the pool of workers; 0 takes one for each core.", .example = "4",
     .unit = "threads", .max = 1024, .needs_restart = true},
    {"drain", KIND(DURATION), SERVER(drain), .fallback = "\"9s\"",
     .help = "How long open exchanges may take to end when Portico stops. Docker kills a "
             "container 10 seconds after asking it to stop.",
     .max = DAY},
    {"max_connections", KIND(COUNT), SERVER(max_connections), .fallback = "0",
     .help = "Client connections at a time; 0 allows what the limit on open files does.",
     .example = "2000", .unit = "connections", .max = 1000000, .needs_restart = true},
    {"max_per_client", KIND(COUNT), SERVER(max_per_client), .fallback = "512",
     .help = "Connections of one client (IPv6: of one /64) at a time; 0 sets no limit. Trusted "
             "proxies are exempt.",
     .example = "64", .unit = "connections", .max = 1000000},
    {"max_wait", KIND(DURATION), SERVER(max_wait), .fallback = "\"2s\"",
     .help = "How long what is ready may wait for a worker. When it waits for longer, Portico is "
             "overloaded and turns new connections away (503 with Retry-After; HTTPS ones are "
             "closed) until that is over; 0s: never.",
     .max = HOUR},
    {"trusted_proxies", KIND(NETWORKS), SERVER(trusted_proxies), .fallback = "[]",
     .help = "Networks of proxies in front of Portico, whose X-Forwarded fields are believed and "
             "appended to.",
     .example = "[\"10.0.0.0/8\", \"127.0.0.1\"]"},
    {"body_rate", KIND(COUNT), SERVER(body_rate), .fallback = "500",
     .help = "What a request's body must average over timeouts.body while Portico waits for the "
             "client; 0 sets no minimum.",
     .example = "1000", .unit = "bytes per second", .max = 1000000000},
    {"run_dir", KIND(PATH), SERVER(run_dir),
     .help = "The directory of the control socket, portico.sock, through which `portico reload` "
             "finds the process; it is made if it is not there. Without this key it is "
             "$RUNTIME_DIRECTORY, which systemd sets for a unit with RuntimeDirectory=, else "
             "CERT_DIR: of all directories the one that Portico can write and others cannot "
             "enter, also in a container whose root file system is read-only. Where it cannot be "
             "used, there is a warning and no socket.",
     .example = "\"/run/portico\"", .max = SCHEMA_PATH_MAX, .needs_restart = true},
    {"watch", KIND(FLAG), SERVER(watch), .fallback = "false",
     .help = "Whether the configuration file is watched, and reloaded when it changes.",
     .example = "true"},
    {"access_log", KIND(FLAG), SERVER(access_log), .fallback = "true",
     .help = "Whether each request gets a line on standard output. Messages on standard error "
             "stay.",
     .example = "false"},
    {"log_level", KIND(CHOICE), SERVER(log_level), .fallback = "\"info\"",
     .help = "The least that is written to standard error. At warn and error, Portico does not say "
             "where it listens, nor when it is ready.",
     .example = "\"warn\"", .choices = schema_log_levels},
    {0},
};

/* The first ones are about clients: they are over before there is a route, or begin when it is
 * done with. The rest may stand in a route as well. */
#define CLIENT_TIMEOUTS 4
#define LEAST           (10 * CLOCK_MS)
static const struct setting timeouts[] = {
    {"handshake", KIND(DURATION), TIMEOUT(handshake), .fallback = "\"10s\"",
     .help = "The TLS handshake.", .min = LEAST, .max = HOUR},
    {"head", KIND(DURATION), TIMEOUT(head), .fallback = "\"20s\"",
     .help = "A request's head, from its first byte to its last; also the silence of a new "
             "connection.",
     .min = LEAST, .max = HOUR},
    {"keep_alive", KIND(DURATION), TIMEOUT(keep_alive), .fallback = "\"75s\"",
     .help = "A client's connection between two requests.", .min = LEAST, .max = DAY},
    {"linger", KIND(DURATION), TIMEOUT(linger), .fallback = "\"2s\"",
     .help = "Reading on after an answer, so that the client gets to see it.", .max = MINUTE},
    {"connect", KIND(DURATION), TIMEOUT(connect), .fallback = "\"5s\"",
     .help = "Connecting to one address of an upstream.", .min = LEAST, .max = HOUR},
    {"answer", KIND(DURATION), TIMEOUT(answer), .fallback = "\"5m\"",
     .help = "The first byte of an upstream's answer.", .min = LEAST, .max = 30 * DAY},
    {"write", KIND(DURATION), TIMEOUT(write), .fallback = "\"1h\"",
     .help = "A client that does not read its answer.", .min = LEAST, .max = 30 * DAY},
    {"tunnel", KIND(DURATION), TIMEOUT(tunnel), .fallback = "\"1h\"",
     .help = "A tunnel (a WebSocket, for example) in which nothing moves.", .min = LEAST,
     .max = 30 * DAY},
    {"tunnel_half", KIND(DURATION), TIMEOUT(tunnel_half), .fallback = "\"1m\"",
     .help = "A tunnel of which one side has ended, and in which nothing moves.", .min = LEAST,
     .max = 30 * DAY},
    {"body", KIND(DURATION), TIMEOUT(body), .fallback = "\"30s\"",
     .help = "The time over which server.body_rate is averaged.", .min = LEAST, .max = HOUR},
    {"upstream_idle", KIND(DURATION), TIMEOUT(upstream_idle), .fallback = "\"4s\"",
     .help = "A connection to an upstream that is kept for the next request; less when the "
             "upstream's Keep-Alive field says so. 0s keeps none.",
     .max = HOUR},
    {0},
};

static const struct setting acme[] = {
    {"email", KIND(EMAIL), SERVER(acme_email),
     .help = "Where the CA writes to when a certificate is about to expire. Not used yet.",
     .example = "\"you@example.com\""},
    {0},
};

const struct setting schema_variables[] = {
    {"CONFIG_PATH", KIND(PATH), 0, .fallback = CONFIG_DEFAULT_PATH,
     .help = "the configuration file, when the command names none"},
    {"CERT_DIR", KIND(PATH), SERVER(cert_dir), .fallback = ".certs/",
     .help = "where the local CA and certificates are kept"},
    {"HTTP_PORT", KIND(PORT), SERVER(http_port), .fallback = "80",
     .help = "the port for HTTP; 0: one that is free", .max = 65535},
    {"HTTPS_PORT", KIND(PORT), SERVER(https_port), .fallback = "443",
     .help = "the port for HTTPS; 0: one that is free", .max = 65535},
    {"PUBLIC_HTTPS_PORT", KIND(PORT), SERVER(public_https_port), .fallback = "443",
     .help = "the port for HTTPS as clients see it, for redirects", .min = 1, .max = 65535},
    {0},
};

/* ---- Sections ---- */

enum { FILE_, ROUTES, ROUTES_TIMEOUTS, SERVER_, TIMEOUTS, ACME };

static const struct setting nothing[] = {{0}};

const struct section schema_sections[] = {
    [FILE_] = {"", .settings = nothing, .size = sizeof(struct config)},
    [ROUTES] = {"routes", &schema_sections[FILE_], routes,
                "One for each host: where its requests go.", .is_list = true, .is_required = true,
                .offset = SERVER(routes), .count_offset = SERVER(route_count),
                .size = sizeof(struct config_route)},
    [ROUTES_TIMEOUTS] = {"routes.timeouts", &schema_sections[ROUTES], timeouts + CLIENT_TIMEOUTS,
                         "How long Portico waits in this route, where that differs from what "
                         "[timeouts] says.",
                         .offset = ROUTE(timeouts), .size = sizeof(struct config_timeouts),
                         .inherits = &schema_sections[TIMEOUTS]},
    [SERVER_] = {"server", &schema_sections[FILE_], server, .help = "Portico itself."},
    [TIMEOUTS] = {"timeouts", &schema_sections[FILE_], timeouts,
                  "How long Portico waits, and for what.", .offset = SERVER(timeouts),
                  .size = sizeof(struct config_timeouts)},
    [ACME] = {"acme", &schema_sections[FILE_], acme, .help = "Certificates from a public CA."},
    {0},
};

const char *const schema_cert_types[] = {
    [CERT_SELF_SIGNED] = "self_signed", [CERT_ACME] = "acme", [CERT_NONE] = "none", NULL};
const char *const schema_log_levels[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", NULL};

const char *schema_name(const struct section *section)
{
    const char *dot = strrchr(section->path, '.');
    return dot ? dot + 1 : section->path;
}

const struct section *schema_next(const struct section *parent, const struct section *before)
{
    for (const struct section *next = (before ? before : parent) + 1; next->path; next++)
        if (next->parent == parent)
            return next;
    return NULL;
}

const struct section *schema_section(const struct section *parent, struct span name)
{
    const struct section *section = NULL;
    while ((section = schema_next(parent, section)) != NULL)
        if (span_eq(span_str(schema_name(section)), name))
            break;
    return section;
}

const struct setting *schema_setting(const struct section *section, struct span name)
{
    for (const struct setting *setting = section->settings; setting->name; setting++)
        if (span_eq(span_str(setting->name), name))
            return setting;
    return NULL;
}

const struct section *schema_owner(const struct section *section, struct span key)
{
    const struct section *in = NULL, *found = NULL;
    if (schema_setting(section, key))
        return section;
    while ((in = schema_next(section, in)) != NULL)
        if (schema_setting(in, key))
            return in;
    while (found == NULL && (in = schema_next(section, in)) != NULL)
        found = schema_owner(in, key);
    return found;
}
