#include "client/ipc/ipc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sp_error fits(int written)
{
    return written > 0 && written < IPC_PATH_MAX ? SP_OK : SP_ERR_LIMIT;
}

sp_error ipc_path(char out[IPC_PATH_MAX])
{
    const char *given = getenv("SALLYPORT_SOCKET");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *home = getenv("HOME");
    char by_uid[64];
    struct stat st;

    if (given != NULL && given[0] == '/')
        return fits(snprintf(out, IPC_PATH_MAX, "%s", given));
    if (runtime != NULL && runtime[0] == '/')
        return fits(snprintf(out, IPC_PATH_MAX, "%s/sallyport/agent.sock", runtime));
    /* su, cron and some ssh set-ups leave the variable out; the folder is there all the same. */
    snprintf(by_uid, sizeof by_uid, "/run/user/%u", getuid());
    if (stat(by_uid, &st) == 0 && st.st_uid == getuid())
        return fits(snprintf(out, IPC_PATH_MAX, "%s/sallyport/agent.sock", by_uid));
    if (home != NULL && home[0] == '/')
        return fits(snprintf(out, IPC_PATH_MAX, "%s/.local/state/sallyport/agent.sock", home));
    return SP_ERR_NOT_FOUND;
}
