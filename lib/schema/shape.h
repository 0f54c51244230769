#ifndef SP_SCHEMA_SHAPE_H
#define SP_SCHEMA_SHAPE_H

/*
 * shape: text of parameters and forms becomes a value, as its schema would read it.
 *
 * A tree of twigs says what was written (texts, lists, names); shape_value() writes it as a value:
 * "7" is a number where the schema allows one, else text. Where it allows both, the first try takes
 * the number, and `ambiguous` says that a second one with `strings` is worth it.
 * All of it lives in the scratch.
 */

#include "lib/schema/traits.h"

enum { TWIGS_MAX = 4096, TWIG_DEPTH_MAX = 8 };

enum twig_kind {
    TWIG_TEXT = 0,
    TWIG_LIST,
    TWIG_OBJECT,
    TWIG_TREE, /* from a[b][]=…: a list or an object, as the schema has it */
    TWIG_JSON
};

struct twig {
    struct twig *next, *first, *last; /* of its parent, its own */
    enum twig_kind kind;
    struct view name; /* in an object; decoded */
    struct view text; /* TWIG_TEXT; decoded */
    yyjson_val *json; /* TWIG_JSON */
    size_t count;
};

struct shape {
    struct scratch *scratch;
    const struct schema_program *p;
    bool strings;                     /* take no text for a number or a truth */
    bool ambiguous;                   /* some text could have stayed text */
    bool nomem, too_many, unreadable; /* unreadable: not UTF-8 */
    size_t twigs;
};

/* NULL with nomem or too_many set. */
struct twig *twig_new(struct shape *s, enum twig_kind kind);
void twig_add(struct twig *parent, struct twig *child);
struct twig *twig_child(const struct twig *parent, struct view name); /* NULL: none of the name */
/* A TWIG_TEXT under `parent`; the text must be UTF-8. */
struct twig *twig_text(struct shape *s, struct twig *parent, struct view name, struct view text);

/* Percent-decodes; `plus`: '+' is a blank. .at NULL: nomem. */
struct view shape_decode(struct shape *s, struct view raw, bool plus);
/* Cuts `*rest` at the first of `delimiter`; what stood before it is returned. The last piece leaves
 * rest->at NULL. */
struct view shape_cut(struct view *rest, const char *delimiter);

/* The value of the twig for the schema `node`. NULL: nomem. */
yyjson_val *shape_value(struct shape *s, const struct twig *t, uint32_t node);

/* Puts `text` at "a[b][c]" below `root` (name is decoded). False: brackets that make no sense. */
bool shape_put(struct shape *s, struct twig *root, struct view name, struct view text);

#endif
