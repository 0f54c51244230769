#ifndef SP_CONFIG_LOAD_H
#define SP_CONFIG_LOAD_H

/*
 * load: a configuration file into a struct, by a table of its fields.
 *
 * The table is the schema: what it does not name is refused, with file, line, column, what was
 * found and what would be right. Order: file, then environment, then flags (config_set). Every
 * value has one place, so `check` prints the same that `run` refuses. Text: lib/config/tree.h.
 * Owns all strings and lists in the struct; config_free gives them back. Any thread.
 *
 *   static const struct config_field relay_fields[] = {
 *       {.name = "listen", .kind = CONFIG_STRING, .at = offsetof(struct relay_config, listen),
 *        .required = true, .expected = "an address and port such as 0.0.0.0:443"},
 *       {.name = "drain_max", .kind = CONFIG_DURATION, .at = offsetof(…, drain_max_ms),
 *        .preset = "1h", .min = 0, .max = 86400000},
 *       {0}};
 */

#include "lib/config/tree.h"

enum { CONFIG_BYTES_MAX = 256 * 1024, CONFIG_ITEMS_MAX = 4096 };

enum config_kind {
    CONFIG_END = 0,  /* the table's last row */
    CONFIG_STRING,   /* char *; NULL when absent. min, max: bytes (max 0: 4,096) */
    CONFIG_INT,      /* int64_t; min..max */
    CONFIG_BOOL,     /* bool */
    CONFIG_DURATION, /* int64_t ms, written "90s", "15m"; min..max in ms */
    CONFIG_SIZE,     /* int64_t bytes, written 65536 or "64KiB", "16MiB"; min..max */
    CONFIG_WORD,     /* int: index in `words`; 0, the first, when absent */
    CONFIG_STRINGS,  /* struct config_strings; min, max as CONFIG_STRING for each */
    CONFIG_BLOCK,    /* a struct within the struct, by `fields` */
    CONFIG_BLOCKS,   /* struct config_blocks: a list of structs of `size`, by `fields`; at most
                        `max` (0: CONFIG_ITEMS_MAX) */
    CONFIG_OWN /* what `read` makes of it: a type of the table's owner, which holds nothing that
                  has to be freed */
};

struct config_strings {
    char **items; /* owned, as are the strings */
    size_t count;
};

struct config_blocks {
    void *items; /* owned; count structs of the field's `size` */
    size_t count;
};

struct config_field {
    const char *name;
    enum config_kind kind;
    size_t at; /* offset in the struct */
    bool required;
    const char *preset;                /* as it would be written; NULL: zero, absent */
    int64_t min, max;                  /* 0 and 0: no bound of its own */
    const char *const *words;          /* CONFIG_WORD; NULL-ended */
    const struct config_field *fields; /* CONFIG_BLOCK, CONFIG_BLOCKS; ends with CONFIG_END */
    size_t size;                       /* CONFIG_BLOCKS */
    const char *expected; /* "a path such as /etc/…"; NULL: said from kind and bounds */
    /* More than bounds can say; NULL: nothing. Returns SP_OK or refuses in `why`. */
    sp_error (*check)(struct view value, struct sp_why *why);
    /* CONFIG_OWN: writes the value at `at`. A preset comes as a string.  SP_ERR_INVALID with
     * what was found and what would be right */
    sp_error (*read)(const struct json *j, void *at, struct sp_why *why);
    /* CONFIG_BLOCK, CONFIG_BLOCKS: the struct (each item) when its fields are in, presets too: do
     * they fit together, and what follows from them? Also for a block that is absent.  NULL:
     * nothing to do. Errors as `read`; sp_why_field may name one of its fields. */
    sp_error (*done)(void *block, struct sp_why *why);
};

/*
 * Reads the file into `*out`, which was zeroed; afterwards config_free it in every case.
 *   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION, SP_ERR_IO  the file
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED  not YAML as tree.h wants it
 *   SP_ERR_INVALID  unknown or missing field, a value of another kind or out of bounds
 *   SP_ERR_NOMEM
 * `why->text` begins with "PATH:LINE:COLUMN: "; `why->field` names the field.
 */
SP_MUST sp_error config_load(const char *path, const struct config_field *fields, void *out,
                             struct sp_why *why);
/* The same from a text; `name` stands for the path. An empty text is an empty file. */
SP_MUST sp_error config_read(struct view text, const char *name, const struct config_field *fields,
                             void *out, struct sp_why *why);

/* The same of a text whose whole is a CONFIG_BLOCK: `root` gives its fields and its `done`. */
SP_MUST sp_error config_read_block(struct view text, const char *name,
                                   const struct config_field *root, void *out, struct sp_why *why);

/*
 * Sets one scalar or list from a flag (without `done`): `field` is "tunnel.cut_through"; lists are
 * separated by commas. Errors as config_load.
 */
SP_MUST sp_error config_set(const struct config_field *fields, void *out, const char *field,
                            const char *value, struct sp_why *why);
/* All SALLYPORT_… that name a field: prefix, then the field in capitals with '_' for '.'. */
SP_MUST sp_error config_environment(const struct config_field *fields, void *out,
                                    const char *prefix, struct sp_why *why);

void config_free(const struct config_field *fields, void *out);

#endif
