#ifndef SP_CLIENT_DESKTOP_ITEM_H
#define SP_CLIENT_DESKTOP_ITEM_H

/*
 * item: the tray icon as org.kde.StatusNotifierItem at /StatusNotifierItem, with the menu at
 * MENU_PATH. Registers at org.kde.StatusNotifierWatcher, and again when another one takes over.
 * Loop thread only.
 */

#include "client/desktop/bus.h"
#include "client/desktop/icon.h"

struct item;

struct item_state {
    enum icon_state icon;
    char title[160], detail[256]; /* foreign text as it came */
};

struct item_events {
    void (*registered)(void *arg, bool host); /* host: somebody shows it; may come again */
    void (*activated)(void *arg);             /* the person clicked it */
};

/* Borrows `bus` until item_free. SP_ERR_NOMEM, SP_ERR_UNREACHABLE. */
SP_MUST sp_error item_new(struct bus *bus, const struct item_events *events, void *arg,
                          struct item **out);
void item_free(struct item *i); /* NULL is allowed */

void item_set(struct item *i, const struct item_state *state);

#endif
