#include "client/admin/verbs.h"
#include "lib/base/log.h"
#include "lib/os/sandbox.h"

int main(int argc, char **argv)
{
    log_setup("sallyport-admin", LOG_WARN);
    if (sandbox_early() != SP_OK)
        return program_unsafe(&admin_program);
    return program_main(&admin_program, argc, argv);
}
