#ifndef SP_SCHEMA_OPENAPI_H
#define SP_SCHEMA_OPENAPI_H

/*
 * openapi: an OpenAPI 3.0 or 3.1 document, compiled once at load, and the checks of messages
 * against its operations.
 *
 * Source     JSON or YAML text. External $ref: only files beside the document, by name. OpenAPI 2.0
 *            is refused.
 * Loaded     off the loop (a worker): the 13 MB of GitHub's take some hundred ms. Errors refuse the
 *            document as a whole, each with its JSON pointer; warnings say what stays unchecked.
 * Checked    from the loop. A document is not changed after loading: share it among threads, and
 *            free it when nobody checks any more.
 * Not here   which operation a request means: the caller's trie is made of api_operation_at().
 * Fuzzed by tests/fuzz/fuzz_schema_load.c and fuzz_schema_run.c.
 */

#include "lib/schema/schema.h"

#include "lib/base/buf.h"

enum {
    API_BYTES_MAX = 64 * 1024 * 1024, /* of one document */
    API_FILES_MAX = 256,              /* documents that $ref brings in */
    API_OPERATIONS_MAX = 32768,
    API_NOTES_MAX = 200 /* kept of each load, at most half of them warnings; the rest is counted */
};

struct api_document;

/* ---- load ---- */

/* What the loader has to say of the document, for people. */
struct api_note {
    bool error;    /* else a warning: loaded, but this stays unchecked or is not portable */
    char *pointer; /* owned; "/paths/~1pets/get"; after "name.yaml#" for another file */
    char *text;    /* owned */
};

struct api_notes {
    struct api_note *items; /* owned */
    size_t count;
    size_t errors, warnings; /* all of them, also those beyond API_NOTES_MAX */
};

void api_notes_deinit(struct api_notes *n);

/* Gives the text of a file beside the document by its plain name ("common.yaml": no slash, no "..",
 * checked before), appended to `out`. SP_ERR_NOT_FOUND refuses the document. */
typedef sp_error api_read_file(void *arg, const char *name, struct buf *out);

struct api_options {
    api_read_file *read; /* NULL: there are no files beside it */
    void *arg;
    bool ignore_formats; /* `format` is a remark; else those that are known are asserted */
};

/*
 * Compiles the document. `notes` was zeroed; api_notes_deinit it in every case. `o` NULL: zeroed.
 *   SP_ERR_LIMIT      longer than API_BYTES_MAX, too deep, too many files
 *   SP_ERR_MALFORMED  neither JSON nor YAML
 *   SP_ERR_UNSUPPORTED  no OpenAPI 3.0.x or 3.1.x
 *   SP_ERR_INVALID    errors in `notes`
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error api_load(struct view text, const struct api_options *o, struct api_notes *notes,
                          struct api_document **out);
/* The same for a file, with the folder it lies in in place of `read`. Besides: SP_ERR_NOT_FOUND,
 * SP_ERR_PERMISSION, SP_ERR_IO. */
SP_MUST sp_error api_load_file(const char *path, const struct api_options *o,
                               struct api_notes *notes, struct api_document **out);
void api_free(struct api_document *d); /* NULL is allowed */

size_t api_bytes(const struct api_document *d); /* that it holds */

/* ---- what it describes ---- */

struct api_strings {
    const char *const *items;
    size_t count;
};

/* One way to be let in: all of its schemes at once. No scheme: nobody has to prove anything. */
struct api_security {
    size_t count;
    const struct api_scheme {
        const char *name; /* in components/securitySchemes */
        const char *type; /* "apiKey", "http", "oauth2", "openIdConnect", "mutualTLS" */
        struct api_strings scopes;
    } * schemes;
};

struct api_operation {
    const char *method; /* "GET", "POST", … */
    const char *path;   /* "/pets/{id}", as written, without the servers' base */
    const char *id;     /* operationId; NULL */
    struct api_strings tags;
    const struct api_security *security; /* alternatives; the document's where it has none itself */
    size_t security_count;               /* 0: the document asks for nothing */
    bool deprecated;
    bool has_body, body_required;
    bool sensitive; /* x-sallyport-sensitive: true */
};

size_t api_operation_count(const struct api_document *d);
/* Borrowed; in the document's order. NULL beyond the last. */
const struct api_operation *api_operation_at(const struct api_document *d, size_t index);
/* The paths of `servers` ("/v1"; "" where a server has none), without variables and repeats. At
 * least one. */
struct api_strings api_bases(const struct api_document *d);
const char *api_title(const struct api_document *d);   /* info.title; "" */
const char *api_version(const struct api_document *d); /* info.version; "" */

/* ---- checks ---- */

struct api_pair {
    struct view name, value;
};

struct api_pairs {
    const struct api_pair *items;
    size_t count;
};

/* Request parameters as the caller has them. */
struct api_parameters {
    struct api_pairs path;   /* by the template's names; percent-decoded */
    struct view query;       /* raw, without '?': lists are split before they are decoded */
    struct api_pairs header; /* names in lower case; a repeated one is two pairs. Also `cookie`. */
};

/* How bodies are checked; a zeroed one follows the document. */
struct api_strictness {
    bool unknown_properties; /* refuse members that no part of the schema describes */
    bool unknown_query;      /* refuse query parameters that are not declared */
    /* Called within a check for the free texts of a request, whatever the verdict: its declared
     * parameters, query parameters that are not declared, and bodies that are read. NULL: not. */
    schema_text *text;
    void *text_arg;
};

/*
 * The parameters of a request against all that the operation declares, all styles. A name that is
 * declared and no list may stand once: SCHEMA_DUPLICATE.
 */
enum schema_verdict api_check_parameters(const struct api_operation *op,
                                         const struct api_parameters *given,
                                         const struct api_strictness *strict,
                                         struct scratch *scratch, struct schema_report *report);

/* A whole body. `type` is the value of Content-Type, "" when it has none. */
struct api_message {
    unsigned status; /* of a response */
    struct view type, body;
};

/*
 * The body of a request. No type and no bytes: refused where the document requires a body, else
 * valid.
 * JSON is checked; form-urlencoded is; multipart: part names, types, sizes and JSON parts; any
 * other declared type is SCHEMA_UNCHECKED, as is a body where the operation declares none.
 * `*json` (or NULL) is the parsed value when there is one, in `scratch`: for owner rules and
 * detectors. It is there also when the schema refuses it.
 */
enum schema_verdict api_check_request(const struct api_operation *op,
                                      const struct api_message *message,
                                      const struct api_strictness *strict, struct scratch *scratch,
                                      struct schema_report *report, const struct value **json);

/* The body of a response with its status. Else as above. */
enum schema_verdict api_check_response(const struct api_operation *op,
                                       const struct api_message *message,
                                       const struct api_strictness *strict, struct scratch *scratch,
                                       struct schema_report *report, const struct value **json);

/* Whether the operation declares this media type for its request body: asked before the body is
 * read (415). True as well when it declares none at all. */
bool api_takes(const struct api_operation *op, struct view type, struct scratch *scratch);

/* Whether the operation takes a query parameter of this name: declared, or as a member of one that
 * is an object. */
bool api_takes_query(const struct api_operation *op, struct view name);

/* ---- places of an answer, for what is not a check ---- */

/* What the document says of a value; a zeroed one says nothing. */
struct api_place {
    const struct schema_program *program;
    uint32_t node;
};

/* Of the JSON body of an answer. `type` is the value of Content-Type. */
struct api_place api_answer_place(const struct api_operation *op, unsigned status, struct view type,
                                  struct scratch *scratch);
/* The names at the top of a 200 (else 2XX) JSON answer, or of its items; as traits_names. */
size_t api_answer_names(const struct api_operation *op, struct scratch *scratch, struct view *out,
                        size_t max);
struct api_place api_place_member(struct api_place p, struct view name);
struct api_place api_place_item(struct api_place p, size_t index);
/* x-sallyport-sensitive: true. What it holds may leave. */
bool api_place_sensitive(struct api_place p);

#endif
