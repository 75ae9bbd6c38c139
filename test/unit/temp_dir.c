/* See temp_dir.h. */
#include "temp_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

int temp_dir_setup(void **state)
{
    char *dir = strdup("/tmp/portico-unit-XXXXXX");
    check(dir != NULL && mkdtemp(dir) != NULL);
    *state = dir;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int temp_dir_teardown(void **state)
{
    int result = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return result;
}

const char *temp_dir_path(const char *dir, const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return path;
}

char *temp_dir_read(const char *dir, const char *name)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(temp_dir_path(dir, name), "re");
    check(text != NULL && file != NULL);
    size_t len = fread(text, 1, 65535, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

void temp_dir_write(const char *dir, const char *name, const char *text)
{
    FILE *file = fopen(temp_dir_path(dir, name), "we");
    check(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

mode_t temp_dir_mode(const char *dir, const char *name)
{
    struct stat st;
    check(stat(temp_dir_path(dir, name), &st) == 0);
    return st.st_mode & 07777;
}

size_t temp_dir_count(const char *dir)
{
    size_t count = 0;
    DIR *stream = opendir(dir);
    check(stream != NULL);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count - 2; /* "." and ".." */
}
