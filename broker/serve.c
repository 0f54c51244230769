/* The command that is the broker itself. */

#include "broker/commands.h"
#include "broker/offline.h"
#include "broker/run.h"
#include "lib/base/log.h"
#include "lib/os/sandbox.h"

int cmd_run(const struct command_call *call)
{
    struct offline o;
    struct run_hooks hooks = {0};
    struct sp_why why = {0}, unfiltered = {0};
    sp_error e;

    if (sandbox_serve(0) != SP_OK)
        return program_unsafe(call->program);
    if (sandbox_syscalls(0, &unfiltered) != SP_OK)
        log_event(LOG_WARN, "broker.sandbox", unfiltered.text, NULL);
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    if (code == EXIT_OK && (e = broker_config_check(&o.config, &why)) != SP_OK)
        code = offline_fail(call, e, "The configuration is not usable.", &why);
    else if (code == EXIT_OK && (e = broker_run(&o.config, &hooks, &why)) != SP_OK)
        code = offline_fail(call, e, "The broker did not start.", &why);
    offline_close(&o);
    return code;
}
