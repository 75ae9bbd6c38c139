/* Slips in files with secrets: 2,000 in each format, the same in every run, of kinds that happen to
 * people. Whatever they make of the file, nothing that is said or written of it holds six
 * characters of a secret in a row. Secrets are what `authorization` holds, what stands before the
 * "@" of a place, and the values of keys that Portico does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/schema.h"

#define SLIPS    2000u /* in each format */
#define FRAGMENT 6u    /* bytes of a secret that are too many */
#define TEXT_MAX 2048u

/* One after the other, so that no fragment lies in two; the files below hold them whole. */
#define A       "q7Zk2mWx9LpT4vRb"
#define B       "dkW:Nu8=Hs3-Yc6Fg=="
#define C       "xJ5r Pz0# Vt1e_Mo"
#define D       "h2Gn~Ua4!Ki7"
#define SECRETS A "\n" B "\n" C "\n" D

struct file {
    const char *name;
    const char *text;
};

static const struct file toml_files[] = {
    {"a.toml", "[server]\nlisten = [\"0.0.0.0\", \"::\"]\nworkers = 2\n\n[[routes]]\n"
               "host = \"app.example.com\"\nupstream = \"127.0.0.1:8080\"\n"
               "authorization = \"Basic " A "\"\n\n[[routes]]\nhost = \"api.example.com\"\n"
               "upstream = \"http://admin:" D "@10.0.0.7:80\"\napi_token = \"" C "\"\n"
               "cert_type = \"none\"\n\n[timeouts]\nhead = \"10s\"\n"},
    {"b.toml", "[[routes]]\nhost = \"app.example.com\"\nauthorization = [\"Bearer " A "\", \"" B
               "\"]\nupstream = \"127.0.0.1:8080\"\npassword = \"\"\"\n" C "\n" D "\"\"\"\n"
               "headers = { \"X-Key\" = '" B "', level = 3 }\n\n[acme]\n"
               "email = \"me@example.com\"\n"},
    {"c.toml",
     "routes = [\n  { host = \"app.example.com\", authorization = '" B
     "', upstream = \"a:80\" },\n  { host = \"b.example.com\", upstream = \"admin:" D
     "@b:80\", secret = [\n    '" A "',\n  ] },\n]\nserver = { watch = true, key = \"" C "\" }\n"},
};

static const struct file json_files[] = {
    {"a.json", "{\n  \"server\": {\"listen\": [\"0.0.0.0\"], \"workers\": 2},\n  \"routes\": [\n"
               "    {\n      \"host\": \"app.example.com\",\n      \"upstream\": "
               "\"127.0.0.1:8080\",\n      \"authorization\": \"Basic " A "\"\n    },\n    {\n"
               "      \"host\": \"api.example.com\",\n      \"upstream\": \"http://admin:" D
               "@10.0.0.7:80\",\n      \"api_token\": \"" C "\"\n    }\n  ]\n}\n"},
    {"b.json", "{\"routes\": [{\"host\": \"a.test\", \"authorization\": [\"Bearer " A "\", \n  \"" B
               "\"], \"upstream\": \"a:1\",\n  \"password\": {\"value\": \"" C
               "\",\n  \"pin\": 1},\n  \"cert_type\": \"none\"},\n  {\"authorization\":\n    \"" D
               "\",\n  \"host\": \"b.test\", \"upstream\": \"b:1\"}],\n"
               "\"acme\": {\"email\": \"me@a.test\"}}\n"},
};

static const struct file yaml_files[] = {
    {"a.yaml",
     "server:\n  listen:\n    - 0.0.0.0\n    - \"::\"\n  workers: 2\nroutes:\n"
     "  - host: app.example.com\n    upstream: 127.0.0.1:8080\n    authorization: Basic " A
     "\n  - host: api.example.com\n    upstream: http://admin:" D
     "@10.0.0.7:80\n    api_token: \"" C "\"\n    cert_type: none\n"
     "timeouts:\n  head: 10s\n"},
    {"b.yaml", "routes:\n- host: a.test\n  authorization:\n    - Bearer " A "\n    - '" B
               "'\n  upstream: a:1\n  password: |\n    " C "\n    " D "\n"
               "- authorization: >\n    Basic\n    " B "\n  host: b.test\n  upstream: b:1\n"
               "- {host: c.test, upstream: 'c:1', key: '" C "'}\nacme:\n  email: me@a.test\n"},
    {"c.yaml", "routes:\n  - host: a.test\n    upstream: \"admin:" D
               "@a:1\"\n    headers:\n      x-key: " A "\n      other: '" C "'\n"
               "    authorization: \"Bearer\n      " B "\"\n  - upstream: b:1\n    host: b.test\n"},
};

/* ---- Slips ---- */

struct text {
    char data[TEXT_MAX];
    size_t len;
};

static uint32_t state_of_random;

static size_t below(size_t limit)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    return limit ? (state_of_random >> 8) % limit : 0;
}

/* Replaces `count` bytes at `at`. */
static void splice(struct text *text, size_t at, size_t count, const char *with)
{
    size_t len = strlen(with);
    assert_true(at + count <= text->len && text->len - count + len < TEXT_MAX);
    memmove(text->data + at + len, text->data + at + count, text->len - at - count + 1);
    memcpy(text->data + at, with, len);
    text->len = text->len - count + len;
}

static void insert_char(struct text *text, size_t at, char c)
{
    splice(text, at, 0, (const char[]){c, '\0'});
}

/* Where one of the characters stands; anywhere when there is none. */
static size_t place_of(const struct text *text, const char *characters)
{
    size_t start = below(text->len);
    for (size_t i = 0; i < text->len; i++)
        if (strchr(characters, text->data[(start + i) % text->len]))
            return (start + i) % text->len;
    return start;
}

static size_t line_at(const struct text *text, size_t at)
{
    while (at > 0 && text->data[at - 1] != '\n')
        at--;
    return at;
}

/* With its line feed. */
static size_t line_length(const struct text *text, size_t line)
{
    size_t len = strcspn(text->data + line, "\n");
    return len + (text->data[line + len] == '\n');
}

/* The first word of some line. */
static size_t take_key(const struct text *text, size_t *len)
{
    size_t at = line_at(text, below(text->len));
    at += strspn(text->data + at, " -{[\"'\n");
    *len = strcspn(text->data + at, " =:\"'\n");
    return at;
}

/* Some line to another place, and away from its own if that is wanted. */
static void move_line(struct text *text, bool is_copy)
{
    char line[TEXT_MAX];
    size_t from = line_at(text, below(text->len)), len = line_length(text, from);
    snprintf(line, sizeof line, "%.*s", (int)len, text->data + from);
    if (!is_copy)
        splice(text, from, len, "");
    splice(text, line_at(text, below(text->len)), 0, line);
}

static void slip_at_key(struct text *text, size_t kind)
{
    static const char *const keys[] = {"authorization", "workers", "email",
                                       "drain",         "host",    "head"};
    size_t len, at = take_key(text, &len);
    if (kind == 0 && len)
        text->data[at + below(len)] = (char)('a' + below(26));
    else if (kind == 1)
        for (size_t i = 0; i < len; i++)
            text->data[at + i] ^= text->data[at + i] >= 'a' && text->data[at + i] <= 'z' ? 0x20 : 0;
    else if (kind == 2 && strstr(text->data, "upstream") > text->data + at)
        splice(text, at, len, keys[below(4)]); /* of [server] and the like */
}

static void slip_at_line(struct text *text, size_t kind)
{
    size_t line = line_at(text, below(text->len)), len = line_length(text, line);
    size_t blanks = strspn(text->data + line, " ");
    if (kind == 0)
        splice(text, line, 0, &"    "[below(4)]);
    else if (kind == 1)
        splice(text, line, below(blanks + 1), "");
    else if (kind == 2)
        splice(text, line, len, "");
    else if (kind == 3)
        splice(text, line + below(len), 0, "\n");
    else
        splice(text, line + len - 1, 1, kind == 4 ? "" : " "); /* joined with the next */
}

static void slip(struct text *text)
{
    static const char signs[] = "\"'[]{}=:,#\n \t-*&!|>?%\\$@.x";
    static const char *const lost[] = {"\"'", "[]{}", ",", "\n", "=:", "-", " "};
    size_t at = below(text->len), kind = below(25);
    char c = signs[below(sizeof signs - 1)], here = text->data[at];
    if (kind == 0)
        splice(text, at, 1, "");
    else if (kind == 1)
        insert_char(text, at, here);
    else if (kind == 2) {
        size_t next = (at + 1) % text->len;
        text->data[at] = text->data[next];
        text->data[next] = here;
    } else if (kind == 3)
        insert_char(text, at, c);
    else if (kind == 4)
        text->data[at] = c;
    else if (kind < 12)
        splice(text, place_of(text, lost[kind - 5]), 1, "");
    else if (kind == 12)
        text->data[place_of(text, "=:")] = below(2) ? ':' : '=';
    else if (kind == 13)
        splice(text, at, strcspn(text->data + at, "\n"), ""); /* the rest of the line */
    else if (kind < 16)
        move_line(text, kind == 14);
    else if (kind == 16) /* what is no text without quotes */
        insert_char(text, place_of(text, "=:") + 2, "!*&[{|>@%"[below(9)]);
    else if (kind < 20)
        slip_at_key(text, kind - 17);
    else
        slip_at_line(text, kind - 20);
}

static size_t count_of(const struct text *text, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++)
        count += text->data[i] == c;
    return count;
}

/* One slip, of which none takes an "@" away: nothing would say that a secret stood before it. */
static void make_slip(const char *original, struct text *text)
{
    size_t before;
    do {
        text->len = (size_t)snprintf(text->data, sizeof text->data, "%s", original);
        before = count_of(text, '@');
        slip(text);
    } while (count_of(text, '@') < before || strcmp(text->data, original) == 0);
}

/* ---- What is said ---- */

/* Everything that can be seen of the file. To be freed. */
static char *seen(const char *name, const struct text *text)
{
    char *words = NULL;
    size_t len;
    struct config_problems problems = {0};
    FILE *out = open_memstream(&words, &len);
    assert_non_null(out);
    struct config *config = config_load_text(name, span_make(text->data, text->len), &problems);
    config_problems_print(&problems, out);
    for (size_t i = 0; i < problems.found.count; i++)
        fprintf(out, "%s\n", problems.found.items[i].pointer);
    for (size_t i = 0; config && i < 3; i++)
        config_write(config, format_of((const char *[]){"toml", ".json", ".yaml"}[i]), true, out);
    config_unref(config);
    config_problems_release(&problems);
    fclose(out);
    return words;
}

static bool has_fragment(const char *words)
{
    size_t len = strlen(words);
    for (size_t i = 0; i + FRAGMENT <= len; i++)
        if (memmem(SECRETS, strlen(SECRETS), words + i, FRAGMENT))
            return true;
    return false;
}

static void shows_no_secret(const struct file *files, size_t count)
{
    unsigned leaks = 0;
    struct text text;
    state_of_random = 13;
    for (unsigned i = 0; i < SLIPS; i++) {
        const struct file *file = &files[i % count];
        make_slip(file->text, &text);
        char *words = seen(file->name, &text);
        if (has_fragment(words) && leaks++ < 5)
            print_message("%s with a slip:\n%s\nis shown as\n%s\n", file->name, text.data, words);
        free(words);
    }
    if (leaks)
        fail_msg("%u of %u files show a secret", leaks, SLIPS);
}

static void in_toml(void **state)
{
    (void)state;
    shows_no_secret(toml_files, sizeof toml_files / sizeof *toml_files);
}

static void in_json(void **state)
{
    (void)state;
    shows_no_secret(json_files, sizeof json_files / sizeof *json_files);
}

static void in_yaml(void **state)
{
    (void)state;
    shows_no_secret(yaml_files, sizeof yaml_files / sizeof *yaml_files);
}

int main(void)
{
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        unsetenv(variable->name);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_toml),
        cmocka_unit_test(in_json),
        cmocka_unit_test(in_yaml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
