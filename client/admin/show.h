#ifndef SP_ADMIN_SHOW_H
#define SP_ADMIN_SHOW_H

/*
 * show: answers of the API as people read them: tables of lists, blocks of one object.
 * Pure but for writing to the terminal.
 */

#include "lib/base/json.h"
#include "lib/term/out.h"

enum show_form {
    SHOW_TEXT = 0, /* a string or number as it is; a reference by its name; a list with commas */
    SHOW_STATE,    /* a word with the colour of its meaning */
    SHOW_TIME,     /* "2026-11-25 10:11:12Z" */
    SHOW_MS,       /* "41 ms", "3 min" */
    SHOW_BYTES
};

struct column {
    const char *head;   /* "NAME"; NULL ends the list */
    const char *member; /* "site", "login.expires": dots lead into objects */
    enum show_form form;
};

/* One value in words, appended; nothing for null and missing. */
void show_value(const struct json *value, enum show_form form, struct buf *out);

/* A table of the objects in `items`. EXIT_OK or EXIT_ERROR. */
int show_table(const struct column columns[], const struct json *items);

/* An object: KEY value lines, then a table of each list of objects in it. */
int show_object(const struct json *object);

/* The answer to an act that cuts sessions, behind "DONE: WHAT. "; `done` NULL: cutting was all. */
int show_cut(const struct json *cut, const char *done, const char *what);

#endif
