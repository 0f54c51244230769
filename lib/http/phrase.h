#ifndef SP_HTTP_PHRASE_H
#define SP_HTTP_PHRASE_H

/*
 * phrase: the reason phrases of RFC 9110 section 15 and RFC 6585, for status lines. Pure.
 */

/* "Not Found"; "" for a status that we neither send nor pass on by name. Static storage. */
const char *http_phrase(int status);

#endif
