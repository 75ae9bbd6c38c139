/* A directory of one test's own, below /tmp. */
#ifndef PORTICO_TEST_TEMP_DIR_H
#define PORTICO_TEST_TEMP_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* cmocka's setup and teardown: *state is the directory's path; it goes with all that is in it. */
int temp_dir_setup(void **state);
int temp_dir_teardown(void **state);

/* DIR/NAME; valid until the eighth call after it. */
const char *temp_dir_path(const char *dir, const char *name);

/* The whole file as text, freed by the caller. Fails the test when there is none. */
char *temp_dir_read(const char *dir, const char *name);
void temp_dir_write(const char *dir, const char *name, const char *text);

/* The permission bits. */
mode_t temp_dir_mode(const char *dir, const char *name);

/* How many names there are in the directory, hidden ones included. */
size_t temp_dir_count(const char *dir);

#endif
