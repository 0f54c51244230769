#ifndef SP_API_ASSETS_H
#define SP_API_ASSETS_H

/*
 * assets: the static files that are compiled in: the console, the style sheet of the user pages,
 * the contract.
 *
 * Made by   scripts/assets.py at build time, from web/dist, web/src/{tokens,app}.css and
 *           openapi.yaml: plain and gzip, with content type and ETag.
 * Served    under their own paths. Every path of the console that names a page (assets_is_page)
 *           is index.html; the page reads the rest of the address itself.
 * Paths that do not change with their content (/assets/style.css, /assets/favicon.svg, pages) are
 * revalidated by ETag; those with a content hash in their name are kept by browsers for ever.
 * Any thread.
 */

#include "lib/base/view.h"
#include "lib/http/message.h"

struct asset {
    const char *path, *type, *etag; /* etag with its quotes */
    struct view plain, gzip;
    bool forever; /* the name changes with the content */
};

extern const struct asset asset_table[];
extern const size_t asset_count;

/* NULL: none. The path is a URL's, from the first '/'. */
const struct asset *asset_find(struct view path);

/* Whether the path is one of the console's pages: "/", "/apps", "/apps/…". */
bool assets_is_page(struct view path);

/*
 * Answers GET and HEAD of a static file or a console page; the body is borrowed for ever.
 * 304 when the browser has it. False, and `res` untouched, when the path is neither.
 * A broker that was built --without-console answers its pages with a sentence that says so.
 */
bool assets_serve(const struct request *req, struct response *res);

#endif
