/* Functions that no file of this project may call, included before everything else.
 *
 * Each of them has cost other projects a vulnerability or a data race; the right-hand
 * column is what to use instead. System headers come first, so that only our own code is
 * caught. */
#ifndef PORTICO_BASE_BANNED_H
#define PORTICO_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fortified headers make macros of some; clang minds poisoning those. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat  /* snprintf, memcpy with a length */
#pragma GCC poison sprintf vsprintf gets          /* snprintf */
#pragma GCC poison strtok                         /* span_split */
#pragma GCC poison localtime gmtime ctime asctime /* the _r forms */
#pragma GCC poison atoi atol atof                 /* span_parse_uint */

#endif
