/* midflight: what does a code upgrade do to the messages in flight? */
#include "driver/cli.h"

int main(int argc, char **argv)
{
    return mf_cli_main(argc, argv);
}
