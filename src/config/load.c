/* This file loads a configuration: it reads the file, has it parsed and filled, and keeps what may
 * be shown of it.
 *
 * Whoever loads (main, admin) runs this. What the keys mean is found out in fill.c, which comes to
 * its end however much is wrong, so that all problems are reported at once. */
#include "config/load.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/fill.h"
#include "config/secret.h"
#include "format/value.h"

/* A configuration before it is parsed. All borrowed. */
struct input {
    const char *path;
    const struct format *format;
    struct span text;
    mode_t mode; /* of the file; 0: unknown */
};

/* What the text of the input says, without a look at what it means. NULL when it does not parse.
 * Problems are in no order yet. */
static struct config *parse(const struct input *input, struct problems *problems)
{
    const char *file = config_file_name(input->path);
    struct value_tree *tree = input->format->parse(file, input->text, problems);
    if (tree == NULL || problems_has_errors(problems))
        format_check_other(input->format, file, input->text, problems);
    if (tree == NULL)
        return NULL;
    tree->max = SIZE_MAX; /* the file is in it; what follows are defaults */
    struct config *config = config_new(input->path, input->format, tree);
    if (config == NULL)
        problems_add(problems, PROBLEM_MEMORY, file, 0, 0, "out of memory");
    return config;
}

/* What it means. */
static void fill(struct config *config, const struct input *input, struct problems *problems)
{
    struct setting_context context = {.file = config_file_name(input->path),
                                      .path = input->path,
                                      .mode = input->mode,
                                      .format = input->format,
                                      .tree = config->tree,
                                      .problems = problems};
    config_fill(config, &context);
}

/* Takes over `text`, which input->text is. A text that does not parse has no meaning that anything
 * could be said about, and none of its lines are shown. */
static struct config *load_owned(const struct input *input, char *text,
                                 struct config_problems *problems)
{
    struct config *config = parse(input, &problems->found);
    bool is_parsed = config && !problems_has_errors(&problems->found);
    if (is_parsed)
        fill(config, input, &problems->found);
    problems_sort(&problems->found);
    secret_wipe(problems->source, problems->source_len);
    problems->source = text;
    problems->source_len = input->text.len;
    config_problems_excerpt(problems, is_parsed ? config->tree : NULL);
    if (is_parsed && !problems_has_errors(&problems->found))
        return config;
    config_unref(config);
    return NULL;
}

struct config *config_load_text(const char *path, struct span text,
                                struct config_problems *problems)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        problems_add(&problems->found, PROBLEM_MEMORY, path, 0, 0, "out of memory");
        return NULL;
    }
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    const struct input input = {
        .path = path, .format = format_of(path), .text = span_make(copy, text.len)};
    return load_owned(&input, copy, problems);
}

static void cannot_read(const struct input *input, int errnum, struct problems *problems)
{
    const char *file = config_file_name(input->path);
    struct err err = {0};
    if (errnum == EISDIR) {
        err_hint(problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0,
                              "this is a directory; a file was expected"),
                 "if a container mounts it, the file did not exist outside when it was started");
        return;
    }
    if (errnum == EFBIG) {
        problems_add(problems, PROBLEM_TOO_LARGE, file, 0, 0,
                     "the file is larger than 10 MiB; a configuration was expected");
        return;
    }
    err_set_errno(&err, errnum, "the configuration cannot be read");
    struct err *added = problems_add(problems, PROBLEM_UNREADABLE, file, 0, 0, "%s", err.message);
    if (errnum == ENOENT)
        err_hint(added,
                 "name the file (portico run FILE, or CONFIG_PATH=FILE), or create it with these "
                 "lines:\n%s",
                 input->format->words.first_route);
    else if (errnum == EACCES)
        err_hint(added, "the user that runs Portico needs permission to read the file and to "
                        "enter its directory");
}

/* A buffer that the caller frees, which input->text is then, with the mode; or NULL with the
 * problem. Advice is given in the words of the format. */
static char *read_file(struct input *input, struct problems *problems)
{
    char *text = file_read(input->path, CONFIG_SIZE_MAX, FILE_ANY, &input->text.len, &input->mode);
    input->text.data = text;
    if (text == NULL)
        cannot_read(input, errno, problems);
    return text;
}

struct config *config_load(const char *path, const struct format *format,
                           struct config_problems *problems)
{
    struct input input = {.path = path, .format = format ? format : format_of(path)};
    char *text = read_file(&input, &problems->found);
    return text ? load_owned(&input, text, problems) : NULL;
}

struct config *config_peek(const char *path, const struct format *format)
{
    struct problems problems = {0};
    struct input input = {.path = path, .format = format ? format : format_of(path)};
    char *text = read_file(&input, &problems);
    size_t len = input.text.len;
    struct config *config = text ? parse(&input, &problems) : NULL;
    if (config == NULL) { /* what does not parse says nothing */
        input.text = SPAN("");
        config = parse(&input, &problems);
    }
    if (config)
        fill(config, &input, &problems);
    problems_release(&problems);
    secret_wipe(text, len);
    return config;
}
