#include "lib/schema/openapi_internal.h"

#include "lib/schema/uri.h"

#include "lib/config/stream.h"
#include "lib/os/file.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { LOAD_MEMORY_MAX = 1024 * 1024 * 1024, BASES_MAX = 64, REF_HOPS_MAX = 16 };

/* ---- notes ---- */

void api_notes_deinit(struct api_notes *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->items[i].pointer);
        free(n->items[i].text);
    }
    free(n->items);
    *n = (struct api_notes){0};
}

static void add_note(void *arg, bool error, const struct trail *at, const char *text)
{
    struct loader *l = arg;
    struct api_notes *n = l->notes;
    struct buf pointer;

    n->errors += error;
    n->warnings += !error;
    /* Half of the room is kept for errors: they are what a person looks for. */
    if (n->count == API_NOTES_MAX || (!error && n->warnings > API_NOTES_MAX / 2))
        return;
    if (n->items == NULL && (n->items = calloc(API_NOTES_MAX, sizeof *n->items)) == NULL) {
        l->nomem = true;
        return;
    }
    buf_init(&pointer, 4096);
    trail_write(at, &pointer);
    struct api_note note = {error, strdup(pointer.len == 0 ? "" : buf_cstr(&pointer)),
                            strdup(text)};
    buf_deinit(&pointer);
    if (note.pointer == NULL || note.text == NULL) {
        free(note.pointer);
        free(note.text);
        l->nomem = true;
        return;
    }
    n->items[n->count++] = note;
}

void loader_say(struct loader *l, bool error, const struct trail *at, const char *text)
{
    compiler_say(&l->c, error, at, text, (struct view){0});
}

/* ---- memory ---- */

void *loader_take(struct loader *l, size_t count, size_t size)
{
    void *piece = scratch_zeroed(&l->d->memory, count, size);

    if (piece == NULL)
        l->nomem = true;
    return piece;
}

const char *loader_text(struct loader *l, struct view v)
{
    char *text = loader_take(l, v.len + 1, 1);

    if (text == NULL)
        return "";
    if (v.len > 0)
        memcpy(text, v.at, v.len);
    return text;
}

struct view loader_view(struct loader *l, struct view v)
{
    return (struct view){(const uint8_t *)loader_text(l, v), l->nomem ? 0 : v.len};
}

/* ---- following ---- */

yyjson_val *loader_get(const struct target *t, const char *name)
{
    if (t->at == NULL || value_kind(value_of(t->at)) != VALUE_OBJECT)
        return NULL;
    return yyjson_obj_get(t->at, name);
}

bool loader_follow(struct loader *l, struct target *t, const struct trail *at)
{
    for (int hop = 0; hop < REF_HOPS_MAX; hop++) {
        struct view ref = value_string(value_of(loader_get(t, "$ref")));
        if (ref.at == NULL) {
            if (value_kind(value_of(t->at)) == VALUE_OBJECT)
                return true;
            loader_say(l, true, at, "this is an object");
            return false;
        }
        sp_error e = sources_follow(&l->c.sources, t->resource, ref, t);
        if (e == SP_ERR_NOMEM)
            l->nomem = true;
        if (e != SP_OK) {
            compiler_say(&l->c, true, at, "\"%s\" leads nowhere", ref);
            return false;
        }
    }
    loader_say(l, true, at, "this $ref leads in a circle");
    return false;
}

uint32_t loader_schema(struct loader *l, const struct target *t, const char *member,
                       const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str(member)};
    yyjson_val *v = loader_get(t, member);

    return v == NULL ? NONE : compile_schema(&l->c, v, t->resource, &here);
}

/* ---- files beside the document ---- */

static bool is_yaml(struct view text)
{
    size_t i = 0;

    while (i < text.len &&
           (text.at[i] == ' ' || text.at[i] == '\n' || text.at[i] == '\r' || text.at[i] == '\t'))
        i++;
    return i == text.len || (text.at[i] != '{' && text.at[i] != '[');
}

/* JSON text of either; `*made` is filled when it had to be made. */
static sp_error json_text(struct view text, struct buf *made, struct sp_why *why, struct view *out)
{
    sp_error e = SP_OK;

    if (text.len > API_BYTES_MAX)
        return SP_ERR_LIMIT;
    if (is_yaml(text)) {
        e = stream_to_json(text, why, made);
        text = buf_view(made);
    }
    *out = text;
    return e;
}

static bool plain_name(struct view name)
{
    if (name.len == 0 || name.len > 255 || name.at[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < 0x20 || strchr("/\\:%", name.at[i]) != NULL)
            return false;
    }
    return true;
}

static sp_error fetch(void *arg, struct view uri, struct view *out)
{
    struct loader *l = arg;
    char name[256];
    struct buf raw;
    sp_error e;

    if (!plain_name(uri) || l->read == NULL)
        return l->read == NULL ? SP_ERR_NOT_FOUND : SP_ERR_DENIED;
    if (l->file_count == API_FILES_MAX)
        return SP_ERR_LIMIT;
    struct file *grown = realloc(l->files, (l->file_count + 1) * sizeof *grown);
    if (grown == NULL)
        return SP_ERR_NOMEM;
    l->files = grown;
    struct file *f = &l->files[l->file_count++];
    buf_init(&f->bytes, (size_t)API_BYTES_MAX * 2);
    buf_init(&raw, API_BYTES_MAX);
    view_copy(name, sizeof name, uri);
    e = l->read(l->read_arg, name, &raw);
    if (e == SP_OK && is_yaml(buf_view(&raw))) {
        e = stream_to_json(buf_view(&raw), NULL, &f->bytes);
        buf_deinit(&raw);
    } else if (e == SP_OK) {
        f->bytes = raw;
    } else {
        buf_deinit(&raw);
    }
    if (e == SP_OK)
        *out = buf_view(&f->bytes);
    return e;
}

/* ---- the document ---- */

static sp_error dialect(struct loader *l)
{
    struct trail root = {.name = view_str("")};
    struct trail at = {.up = &root, .name = view_str("openapi")};
    struct view version = value_string(value_of(loader_get(&l->root, "openapi")));

    if (version.len >= 4 && memcmp(version.at, "3.0.", 4) == 0) {
        l->c.sources.openapi_30 = true;
        l->c.sources.resources[l->root.resource].openapi_30 = true;
        return SP_OK;
    }
    if (version.len >= 4 && memcmp(version.at, "3.1.", 4) == 0)
        return SP_OK;
    if (loader_get(&l->root, "swagger") != NULL)
        loader_say(l, true, &at,
                   "this is Swagger 2.0; convert it to OpenAPI 3 with a tool of your own first");
    else
        loader_say(l, true, &at, "this is no OpenAPI 3.0 or 3.1 document");
    return SP_ERR_UNSUPPORTED;
}

/* Anchors and $id of the components must be known before anything refers to them. */
static void walk_components(struct loader *l)
{
    struct target components = {loader_get(&l->root, "components"), l->root.resource};
    struct trail root = {.name = view_str("")};

    for (struct value_iter i = value_iter(value_of(loader_get(&components, "schemas")));
         value_next(&i);) {
        sp_error e = sources_walk(&l->c.sources, value_yy(i.value), l->root.resource);
        if (e == SP_ERR_LIMIT)
            loader_say(l, true, &root, "a schema of the components is nested too deep");
        else if (e != SP_OK)
            l->nomem = true;
    }
}

/* The path of a server's URL, with the defaults of its variables. */
static struct view base_of(struct loader *l, const struct target *server)
{
    struct view url = value_string(value_of(loader_get(server, "url")));
    struct target variables = {loader_get(server, "variables"), server->resource};
    struct buf out;
    struct view base = {(const uint8_t *)"", 0};

    buf_init(&out, 4096);
    for (size_t i = 0; i < url.len; i++) {
        const uint8_t *end = url.at[i] == '{' ? memchr(url.at + i, '}', url.len - i) : NULL;
        if (end == NULL) {
            buf_add_byte(&out, url.at[i]);
            continue;
        }
        size_t len = (size_t)(end - url.at) - i - 1;
        yyjson_val *v = variables.at == NULL
                            ? NULL
                            : yyjson_obj_getn(variables.at, (const char *)url.at + i + 1, len);
        struct target one = {v, server->resource};
        buf_add(&out, value_string(value_of(loader_get(&one, "default"))));
        i += len + 1;
    }
    struct view path = uri_split(buf_view(&out)).path;
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    if (path.len > 0)
        base = loader_view(l, path);
    buf_deinit(&out);
    return base;
}

static void load_bases(struct loader *l)
{
    yyjson_val *servers = loader_get(&l->root, "servers");
    const char **items = loader_take(l, BASES_MAX, sizeof(const char *));
    size_t count = 0;

    if (items == NULL)
        return;
    for (struct value_iter i = value_iter(value_of(servers));
         count < BASES_MAX && value_next(&i);) {
        struct target one = {value_yy(i.value), l->root.resource};
        const char *base = (const char *)base_of(l, &one).at;
        bool there = false;
        for (size_t k = 0; k < count; k++)
            there = there || strcmp(items[k], base) == 0;
        if (!there)
            items[count++] = base;
    }
    if (count == 0)
        items[count++] = "";
    l->d->bases = (struct api_strings){items, count};
}

static sp_error load_root(struct loader *l, struct view text)
{
    struct trail root = {.name = view_str("")};
    struct value_fault fault = {0};
    const struct value *v = NULL;
    sp_error e = value_read(text, SOURCES_DEPTH_MAX, &l->c.memory, &fault, &v);

    if (e != SP_OK) {
        if (e != SP_ERR_NOMEM)
            compiler_say(&l->c, true, &root, "%s",
                         view_str(fault.what == NULL ? sp_error_text(e) : fault.what));
        return e;
    }
    l->root.at = value_yy(v);
    return sources_add_root(&l->c.sources, view_str(""), l->root.at, &l->root.resource);
}

static sp_error load_document(struct loader *l, struct view text)
{
    sp_error e;

    if ((e = load_root(l, text)) != SP_OK || (e = dialect(l)) != SP_OK)
        return e;
    struct target info = {loader_get(&l->root, "info"), l->root.resource};
    l->d->title = loader_text(l, value_string(value_of(loader_get(&info, "title"))));
    l->d->version = loader_text(l, value_string(value_of(loader_get(&info, "version"))));
    load_bases(l);
    if (!l->c.sources.openapi_30)
        walk_components(l);
    operations_load(l);
    if ((e = compile_finish(&l->c)) != SP_OK)
        return e;
    if (l->nomem)
        return SP_ERR_NOMEM;
    if (l->notes->errors > 0)
        return SP_ERR_INVALID;
    return builder_seal(&l->c.builder, &l->d->program);
}

sp_error api_load(struct view text, const struct api_options *o, struct api_notes *notes,
                  struct api_document **out)
{
    static const struct api_options plain = {0};
    const struct api_options *by = o != NULL ? o : &plain;
    struct loader l = {.notes = notes, .read = by->read, .read_arg = by->arg};
    struct trail root = {.name = view_str("")};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct view json;
    struct buf made;
    sp_error e;

    buf_init(&made, (size_t)API_BYTES_MAX * 2);
    l.d = calloc(1, sizeof *l.d);
    if (l.d != NULL)
        scratch_init(&l.d->memory, LOAD_MEMORY_MAX);
    e = compiler_init(&l.c, LOAD_MEMORY_MAX);
    if (l.d == NULL)
        e = SP_ERR_NOMEM;
    l.c.note = add_note;
    l.c.arg = &l;
    l.c.messages = true;
    l.c.asserts_formats = !by->ignore_formats;
    l.c.sources.fetch = fetch;
    l.c.sources.fetch_arg = &l;
    l.c.sources.beside_only = true;
    if (e == SP_OK && (e = json_text(text, &made, &why, &json)) != SP_OK)
        compiler_say(&l.c, true, &root, why.text[0] == '\0' ? sp_error_text(e) : "%s",
                     view_str(why.text));
    if (e == SP_OK)
        e = load_document(&l, json);
    compiler_deinit(&l.c);
    for (size_t i = 0; i < l.file_count; i++)
        buf_deinit(&l.files[i].bytes);
    free(l.files);
    buf_deinit(&made);
    if (e == SP_OK)
        *out = l.d;
    else
        api_free(l.d);
    return e;
}

/* Files of the folder that the document lies in. */
static sp_error read_beside(void *arg, const char *name, struct buf *out)
{
    struct view folder = *(const struct view *)arg;
    struct buf path;
    sp_error e;

    buf_init(&path, 8192);
    buf_add(&path, folder);
    buf_add_str(&path, name);
    const char *full = buf_cstr(&path);
    if ((e = buf_error(&path)) == SP_OK)
        e = full == NULL ? SP_ERR_NOMEM : file_read(full, API_BYTES_MAX, out, NULL);
    buf_deinit(&path);
    return e;
}

sp_error api_load_file(const char *path, const struct api_options *o, struct api_notes *notes,
                       struct api_document **out)
{
    const char *slash = strrchr(path, '/');
    struct view folder = {(const uint8_t *)path, slash == NULL ? 0 : (size_t)(slash - path) + 1};
    const struct api_options beside = {
        .read = read_beside, .arg = &folder, .ignore_formats = o != NULL && o->ignore_formats};
    struct buf text;
    sp_error e;

    buf_init(&text, API_BYTES_MAX);
    if ((e = file_read(path, API_BYTES_MAX, &text, NULL)) == SP_OK)
        e = api_load(buf_view(&text), &beside, notes, out);
    buf_deinit(&text);
    return e;
}

void api_free(struct api_document *d)
{
    if (d == NULL)
        return;
    schema_program_free(d->program);
    scratch_deinit(&d->memory);
    free(d);
}

size_t api_bytes(const struct api_document *d)
{
    return sizeof *d + d->memory.held + schema_program_bytes(d->program);
}

size_t api_operation_count(const struct api_document *d)
{
    return d->operation_count;
}

const struct api_operation *api_operation_at(const struct api_document *d, size_t index)
{
    return index < d->operation_count ? &d->operations[index]->shown : NULL;
}

struct api_strings api_bases(const struct api_document *d)
{
    return d->bases;
}

const char *api_title(const struct api_document *d)
{
    return d->title;
}

const char *api_version(const struct api_document *d)
{
    return d->version;
}
