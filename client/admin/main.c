#include "client/admin/verbs.h"
#include "lib/base/log.h"

int main(int argc, char **argv)
{
    log_setup("sallyport-admin", LOG_WARN);
    return program_main(&admin_program, argc, argv);
}
