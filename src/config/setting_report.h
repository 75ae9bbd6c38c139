/* What is said of a value that does not fit its setting: problems, in sentences. Those that return
 * an int return -1, so that a check can end with them. */
#ifndef PORTICO_CONFIG_SETTING_REPORT_H
#define PORTICO_CONFIG_SETTING_REPORT_H

#include "config/setting.h"

/* What may be shown of a text in the file, or of a part of one: nothing of a secret, and of a place
 * what follows the "@"; up to the first white space, since behind a slip another line may have
 * become part of it. */
struct span setting_shown(const struct setting *setting, struct span text);

/* The same for use in a message, with "..." for what is left out. Returns `out`. */
const char *setting_quote(const struct setting *setting, struct span text, char out[ERR_QUOTE]);

/* "SETTING WHAT; ... was expected", at the value: the problem, for a hint. NULL as problems_add. */
struct err *setting_report(struct setting_context *context, const struct setting *setting,
                           const struct value *value, enum problem_code code, const char *what);

/* A value of another type than the setting has; a VALUE_BAD is passed over in silence. */
int setting_report_type(struct setting_context *context, const struct setting *setting,
                        const struct value *value);

/* The same of an item of a list, which is no string. */
int setting_report_item(struct setting_context *context, const struct setting *setting,
                        const struct value *item);

/* A text with the fault that `fault` describes; it is quoted, unless it is secret. */
int setting_report_fault(struct setting_context *context, const struct setting *setting,
                         const struct value *value, enum problem_code code,
                         const struct err *fault);

/* The same with the code for a text that is not what the setting needs. */
int setting_report_text(struct setting_context *context, const struct setting *setting,
                        const struct value *value, const struct err *fault);

/* What the environment holds may be secret, so a value with variables is quoted as it is `written`:
 * rewords the problems from number `before` on, which are about it, if it has any. */
void setting_report_variables(struct setting_context *context, const struct setting *setting,
                              const struct value *written, size_t before);

/* `text`, which has come of `written`, for messages: as it is written if that has variables.
 * Returns `out`. */
const char *setting_report_quote(const struct value *written, const char *text,
                                 char out[ERR_QUOTE]);

/* Warns if others can read the file with that mode, in which a secret stands: `file`, or the
 * configuration when that is NULL. */
void setting_report_readers(struct setting_context *context, const struct setting *setting,
                            const struct value *value, const struct span *file, mode_t mode);

#endif
