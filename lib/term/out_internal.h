#ifndef SP_TERM_OUT_INTERNAL_H
#define SP_TERM_OUT_INTERNAL_H

#include "lib/term/out.h"

/* Bytes of the first character of a text that is not empty, and its code point. width.c */
size_t out_character(struct view v, uint32_t *c);

/*
 * Writes `text`, which is escaped already and stands at column `indent`, and goes on at that
 * column on each further line: breaks at blanks, in a word only when it fits on no line. out.c
 */
void out_wrapped(const struct out *o, struct view text, size_t indent, enum out_tone tone);

/* `text` with what steers a terminal made visible; "–" for NULL. False: out of memory. out.c */
bool out_escape(const char *text, struct buf *out);

/* `text` as it is, in the colour of its tone where colour is wanted. out.c */
void out_tinted(const struct out *o, struct view text, enum out_tone tone);

void out_blanks(const struct out *o, size_t n);

#endif
