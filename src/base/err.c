/* This module fills in errors and prints them (err.h). */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define QUOTE_CHARACTERS 60u

/* The arguments may point into the error itself: err_set(err, "...: %s", err->message). */
__attribute__((format(printf, 2, 0))) static void set_message(struct err *err, const char *format,
                                                              va_list args)
{
    char message[sizeof err->message];
    if (err == NULL)
        return;
    vsnprintf(message, sizeof message, format, args);
    *err = (struct err){0};
    snprintf(err->message, sizeof err->message, "%s", message);
}

int err_set(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(err, format, args);
    va_end(args);
    return -1;
}

struct err *err_say(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(err, format, args);
    va_end(args);
    return err;
}

int err_set_errno(struct err *err, int errnum, const char *format, ...)
{
    if (err == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    set_message(err, format, args);
    va_end(args);
    size_t len = strlen(err->message);
    char text[128];
    snprintf(err->message + len, sizeof err->message - len, ": %s",
             strerror_r(errnum, text, sizeof text));
    return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return -1;
}

int err_place(struct err *err, const char *file, unsigned line, unsigned column)
{
    if (err == NULL)
        return -1;
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
    return -1;
}

void err_format(const struct err *err, char *out, size_t size)
{
    if (err->file[0] && err->line && err->column)
        snprintf(out, size, "%s:%u:%u: %s", err->file, err->line, err->column, err->message);
    else if (err->file[0] && err->line)
        snprintf(out, size, "%s:%u: %s", err->file, err->line, err->message);
    else if (err->file[0])
        snprintf(out, size, "%s: %s%s%s", err->file, err->pointer, err->pointer[0] ? ": " : "",
                 err->message);
    else
        snprintf(out, size, "%s", err->message);
}

void err_format_line(const struct err *err, char *out, size_t size)
{
    err_format(err, out, size);
    size_t len = strlen(out);
    if (err->hint[0])
        snprintf(out + len, size - len, "; hint: %s", err->hint);
    for (char *c = out + len; *c; c++)
        if (*c == '\n')
            *c = ' ';
}

/* C0, DEL, or C1 (which some terminals obey as well). */
static bool is_control(struct span text, size_t len)
{
    unsigned char first = (unsigned char)text.data[0];
    if (len == 2)
        return first == 0xc2 && (unsigned char)text.data[1] < 0xa0;
    return len == 1 && (first < 0x20 || first == 0x7f);
}

const char *err_quote(struct span text, char out[ERR_QUOTE])
{
    size_t used = 0;
    for (unsigned characters = 0; text.len > 0; characters++) {
        if (characters == QUOTE_CHARACTERS) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        size_t len = utf8_char(text);
        bool plain = len > 0 && !is_control(text, len);
        if (plain)
            memcpy(out + used, text.data, len);
        else
            out[used] = '?';
        used += plain ? len : 1;
        text = span_from(text, len ? len : 1);
    }
    out[used] = '\0';
    return out;
}
