#ifndef SP_ADMIN_ACT_H
#define SP_ADMIN_ACT_H

/*
 * act: what most commands are: one operation of the API, described by a row and done by act_run.
 *
 * The table is in act.c; commands that need more (a body from options, files, several calls) have
 * functions of their own. A test compares both with broker/api/openapi.yaml: every operation of
 * the contract is some command's, or is named there as not for a terminal.
 */

#include "client/admin/names.h"
#include "client/admin/show.h"

enum act_shape {
    ACT_OBJECT = 0, /* one object */
    ACT_PAGES,      /* pages of items, all of them up to --limit */
    ACT_ITEMS,      /* an object with "items", or with the member that `list` names */
    ACT_CUT,        /* sessions that were cut; `done` and the first argument stand before */
    ACT_NONE        /* 204: "DONE: FIRST ARGUMENT." */
};

struct act_query {
    const char *option; /* of the command; NULL ends the list */
    const char *name;   /* of the query parameter */
    enum ref kind;
};

enum { ACT_QUERY_MAX = 7 };

struct act {
    const char *command; /* its name in the command table */
    enum http_method method;
    const char *path; /* after /api/v1; {user}, {app}, … is the next argument, looked up by name */
    enum act_shape shape;
    bool reason;    /* the body is {"reason": --reason} */
    bool versioned; /* reads the object first, and changes just that version */
    struct act_query query[ACT_QUERY_MAX];
    const char *list;             /* ACT_ITEMS: the member; NULL: "items" */
    const struct column *columns; /* ACT_PAGES, ACT_ITEMS */
    const char *done;             /* ACT_NONE, ACT_CUT: "Removed" */
};

extern const struct act acts[];
extern const size_t acts_count;

/* The row of a command; NULL: it has a function of its own. */
const struct act *act_find(const char *command);

/* Runs the row of call->command. */
int act_run(const struct command_call *call);

/* For commands of their own: appends "/api/v1" and `path` with its braces filled from
 * call->args, from argument *next on. */
int act_path(struct broker *b, const char *path, size_t *next, struct buf *out);

/* Reads every page of a list, at most `limit` items; `*out` is the first page's object with the
 * items of all. */
int act_pages(struct broker *b, const struct buf *path, size_t limit, struct json **out);

/* Prints what came back as the command's JSON: schema sallyport.admin_NOUN_VERB/v1. Takes
 * `answer`. */
int act_json(const struct command_call *call, struct json *answer);
/* The same for people where --json is not given: one object, member by member. Takes `answer`. */
int act_show(const struct command_call *call, struct json *answer);

#endif
