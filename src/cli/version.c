/* `portico version`. */
#include <stdio.h>

#include "cli/cli.h"

int cli_version(void)
{
    printf("portico %s\n", PORTICO_VERSION);
    return CLI_OK;
}
