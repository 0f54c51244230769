#ifndef SP_EDGE_PARCEL_H
#define SP_EDGE_PARCEL_H

/*
 * parcel: the file that `bugreport` writes for someone who helps: a .tar.gz of small texts, in
 * which nothing that looks like a secret is left (P12). What is in it is listed before it is
 * written.
 *
 * What counts as a secret is redact.h's to say; with `anonymize` places.h hides host names and
 * addresses too. The form is tarball.h's.
 */

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/why.h"

struct parcel;

enum { PARCEL_FILES_MAX = 32, PARCEL_FILE_MAX = 256 * 1024 };

SP_MUST sp_error parcel_new(bool anonymize, struct parcel **out);
void parcel_free(struct parcel *p); /* NULL is allowed */

/* A file of the parcel, redacted. An empty or too long text is said in its place. */
void parcel_add(struct parcel *p, const char *name, struct view text);
void parcel_add_json(struct parcel *p, const char *name, const struct json *j);
/* The file at `path`, as `name`; what can't be read is said in its place. */
void parcel_add_file(struct parcel *p, const char *name, const char *path);

/* "name  bytes" a line, for people. */
void parcel_list(const struct parcel *p, struct buf *out);
/* Writes it, mode 0600; an existing file is not replaced.   as file_create_secret */
SP_MUST sp_error parcel_write(const struct parcel *p, const char *path, struct sp_why *why);

#endif
