/* This module holds the hook that a test sets at yield points (yield_point.h). */
#include "base/yield_point.h"

#ifdef PORTICO_YIELD_POINTS
void (*_Atomic yield_point_hook)(const char *name);
#else
typedef int yield_point_is_empty_in_release_builds;
#endif
