#ifndef SP_CLIENT_DESKTOP_SDBUS_H
#define SP_CLIENT_DESKTOP_SDBUS_H

/*
 * sdbus: the functions of sd-bus (libsystemd) that we use, found at run time.
 *
 * A server has no desktop and needs no D-Bus: the library is looked for when the session bus is,
 * and nothing is linked. The names and signatures are those of sd-bus(3), stable since version 237;
 * a positive or zero int is success, a negative one -errno. Loop thread of its bus only.
 */

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;

/* As libsystemd has it; always zeroed by us, and freed by error_free. */
typedef struct {
    const char *name, *message;
    int need_free;
} sd_bus_error;

typedef int sdbus_handler(sd_bus_message *m, void *arg, sd_bus_error *error);

struct sdbus {
    int (*new)(sd_bus **out);
    int (*set_address)(sd_bus *b, const char *address);
    int (*set_bus_client)(sd_bus *b, int yes);
    int (*start)(sd_bus *b);
    sd_bus *(*flush_close_unref)(sd_bus *b);
    int (*get_fd)(sd_bus *b);
    int (*get_events)(sd_bus *b);                    /* poll(2)'s */
    int (*get_timeout)(sd_bus *b, uint64_t *usec);   /* CLOCK_MONOTONIC; UINT64_MAX: none */
    int (*process)(sd_bus *b, sd_bus_message **out); /* 0: nothing is left to do */
    int (*add_object)(sd_bus *b, sd_bus_slot **slot, const char *path, sdbus_handler *fn,
                      void *arg);
    int (*add_match)(sd_bus *b, sd_bus_slot **slot, const char *match, sdbus_handler *fn,
                     sdbus_handler *installed, void *arg);
    int (*call_async)(sd_bus *b, sd_bus_slot **slot, sd_bus_message *m, sdbus_handler *fn,
                      void *arg, uint64_t usec);
    sd_bus_slot *(*slot_unref)(sd_bus_slot *slot);
    int (*send)(sd_bus *b, sd_bus_message *m, uint64_t *cookie);
    int (*new_call)(sd_bus *b, sd_bus_message **out, const char *to, const char *path,
                    const char *interface, const char *member);
    int (*new_return)(sd_bus_message *call, sd_bus_message **out);
    int (*new_signal)(sd_bus *b, sd_bus_message **out, const char *path, const char *interface,
                      const char *member);
    int (*reply_error)(sd_bus_message *call, const char *name, const char *format, ...);
    sd_bus_message *(*message_unref)(sd_bus_message *m);
    int (*append)(sd_bus_message *m, const char *types, ...);
    int (*append_array)(sd_bus_message *m, char type, const void *at, size_t size);
    int (*open)(sd_bus_message *m, char type, const char *contents);
    int (*close)(sd_bus_message *m);
    int (*read)(sd_bus_message *m, const char *types, ...);
    int (*enter)(sd_bus_message *m, char type, const char *contents);
    int (*leave)(sd_bus_message *m);
    int (*skip)(sd_bus_message *m, const char *types);
    int (*is_error)(sd_bus_message *m, const char *name);
    int (*is_call)(sd_bus_message *m, const char *interface, const char *member);
    const sd_bus_error *(*get_error)(sd_bus_message *m);
};

/* Fills the table; its functions stay good until the program ends.
 *   SP_ERR_UNSUPPORTED  no libsystemd here, or one that lacks a function */
SP_MUST sp_error sdbus_find(struct sdbus *out);

#endif
