#ifndef SP_CLIENT_DESKTOP_MENU_H
#define SP_CLIENT_DESKTOP_MENU_H

/*
 * menu: the tray's menu as com.canonical.dbusmenu, at MENU_PATH. Loop thread only.
 */

#include "client/desktop/bus.h"

#define MENU_PATH "/MenuBar"

struct menu;

enum { MENU_ENTRIES_MAX = 128, MENU_LABEL_MAX = 160 };

struct menu_entry {
    char label[MENU_LABEL_MAX]; /* as it came; "": a separator */
    size_t parent;              /* index of the entry whose submenu it is in, plus 1; 0: the top */
    bool disabled;
    int action; /* the owner's; 0: none */
    int value;
};

/* The person chose it. From the loop. */
typedef void menu_chosen(void *arg, int action, int value);

/* Borrows `bus` until menu_free. SP_ERR_NOMEM, SP_ERR_UNREACHABLE. */
SP_MUST sp_error menu_new(struct bus *bus, menu_chosen *chosen, void *arg, struct menu **out);
void menu_free(struct menu *m); /* NULL is allowed */

/* Copies; hosts are told only when something differs. */
void menu_set(struct menu *m, const struct menu_entry entries[], size_t count);

#endif
