#include "client/desktop/sdbus.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
} functions[] = {
    {"sd_bus_new", offsetof(struct sdbus, new)},
    {"sd_bus_set_address", offsetof(struct sdbus, set_address)},
    {"sd_bus_set_bus_client", offsetof(struct sdbus, set_bus_client)},
    {"sd_bus_start", offsetof(struct sdbus, start)},
    {"sd_bus_flush_close_unref", offsetof(struct sdbus, flush_close_unref)},
    {"sd_bus_get_fd", offsetof(struct sdbus, get_fd)},
    {"sd_bus_get_events", offsetof(struct sdbus, get_events)},
    {"sd_bus_get_timeout", offsetof(struct sdbus, get_timeout)},
    {"sd_bus_process", offsetof(struct sdbus, process)},
    {"sd_bus_add_object", offsetof(struct sdbus, add_object)},
    {"sd_bus_add_match_async", offsetof(struct sdbus, add_match)},
    {"sd_bus_call_async", offsetof(struct sdbus, call_async)},
    {"sd_bus_slot_unref", offsetof(struct sdbus, slot_unref)},
    {"sd_bus_send", offsetof(struct sdbus, send)},
    {"sd_bus_message_new_method_call", offsetof(struct sdbus, new_call)},
    {"sd_bus_message_new_method_return", offsetof(struct sdbus, new_return)},
    {"sd_bus_message_new_signal", offsetof(struct sdbus, new_signal)},
    {"sd_bus_reply_method_errorf", offsetof(struct sdbus, reply_error)},
    {"sd_bus_message_unref", offsetof(struct sdbus, message_unref)},
    {"sd_bus_message_append", offsetof(struct sdbus, append)},
    {"sd_bus_message_append_array", offsetof(struct sdbus, append_array)},
    {"sd_bus_message_open_container", offsetof(struct sdbus, open)},
    {"sd_bus_message_close_container", offsetof(struct sdbus, close)},
    {"sd_bus_message_read", offsetof(struct sdbus, read)},
    {"sd_bus_message_enter_container", offsetof(struct sdbus, enter)},
    {"sd_bus_message_exit_container", offsetof(struct sdbus, leave)},
    {"sd_bus_message_skip", offsetof(struct sdbus, skip)},
    {"sd_bus_message_is_method_error", offsetof(struct sdbus, is_error)},
    {"sd_bus_message_is_method_call", offsetof(struct sdbus, is_call)},
    {"sd_bus_message_get_error", offsetof(struct sdbus, get_error)},
};

/* POSIX: the bytes of dlsym's pointer are those of the function's. */
_Static_assert(sizeof(void *) == sizeof(int (*)(sd_bus **)), "a function's address fits");

sp_error sdbus_find(struct sdbus *out)
{
    /* Never closed: its functions are called until the program's end. */
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return SP_ERR_UNSUPPORTED;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *at = dlsym(library, functions[i].name);

        if (at == NULL)
            return SP_ERR_UNSUPPORTED;
        memcpy((uint8_t *)out + functions[i].at, &at, sizeof at);
    }
    return SP_OK;
}
