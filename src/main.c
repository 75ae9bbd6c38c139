/* The process begins here; everything else is a command (cli/). */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argv + (argc > 0));
}
