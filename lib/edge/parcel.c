#include "lib/edge/parcel.h"

#include "lib/base/clock.h"
#include "lib/os/file.h"
#include "lib/os/sock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

enum {
    BLOCK = 512,         /* of a tar */
    STORED_MAX = 0xffff, /* of a stored block of deflate */
    PARCEL_MAX = PARCEL_FILES_MAX * (PARCEL_FILE_MAX + 2 * BLOCK) + 64 * 1024,
    ALIASES_MAX = 128
};

struct parcel {
    bool anonymize;
    size_t count;
    struct {
        char name[64];
        struct buf text;
    } files[PARCEL_FILES_MAX];
};

/* ---- what must not be in it --------------------------------------------------------------- */

static bool name_is_secret(struct view name)
{
    static const char *const words[] = {"password", "secret", "token", "login",        "cookie",
                                        "grant",    "ticket", "seed",  "authorization"};
    char lower[64];
    size_t n = name.len < sizeof lower - 1 ? name.len : sizeof lower - 1;

    for (size_t i = 0; i < n; i++)
        lower[i] = (char)tolower(name.at[i]);
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(lower, words[i]) != NULL)
            return true;
    return false;
}

static bool starts(struct view v, const char *with)
{
    size_t n = strlen(with);

    return v.len >= n && memcmp(v.at, with, n) == 0;
}

static bool word_is_secret(struct view word)
{
    static const char *const marks[] = {"v4.public.", "v4.local.", "spe_", "spt_",
                                        "sat_",       "sas_",      "eyJ"};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (starts(word, marks[i]))
            return true;
    return false;
}

/* Names and addresses seen so far: the same one gets the same word everywhere. */
struct aliases {
    bool wanted;
    size_t count;
    char names[ALIASES_MAX][80];
};

static bool looks_like_place(struct view word)
{
    struct address a;
    size_t dots = 0;

    if (address_from_host(word, 0, &a) == SP_OK)
        return true;
    for (size_t i = 0; i < word.len; i++)
        dots += word.at[i] == '.';
    return dots > 0 && word.len < 80 && isalpha(word.at[word.len - 1]) && isalnum(word.at[0]);
}

static void add_word(struct aliases *a, struct view word, struct buf *out)
{
    if (word_is_secret(word)) {
        buf_add_str(out, "[redacted]");
        return;
    }
    if (!a->wanted || !looks_like_place(word)) {
        buf_add(out, word);
        return;
    }
    size_t i = 0;
    while (i < a->count && !view_is(word, a->names[i]))
        i++;
    if (i == a->count && a->count < ALIASES_MAX)
        snprintf(a->names[a->count++], sizeof a->names[0], "%.*s", VIEW_ARG(word));
    buf_addf(out, "place-%zu", i + 1);
}

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '.' || c == '-' || c == '_';
}

static void add_words(struct aliases *a, struct view line, struct buf *out)
{
    for (size_t at = 0; at < line.len;) {
        size_t n = 0;

        while (at + n < line.len && is_word(line.at[at + n]))
            n++;
        if (n > 0)
            add_word(a, view_slice(line, at, n), out);
        else
            buf_add_byte(out, line.at[at]);
        at += n > 0 ? n : 1;
    }
}

/* "scheme://user:password@host": what stands before the last '@' of an address goes. */
static void add_addresses(struct aliases *a, struct view line, struct buf *out)
{
    const uint8_t *scheme = memmem(line.at, line.len, "://", 3);

    if (scheme == NULL) {
        add_words(a, line, out);
        return;
    }
    size_t from = (size_t)(scheme - line.at) + 3, end = from, sign = 0;
    while (end < line.len && line.at[end] > ' ' && line.at[end] != '/' && line.at[end] != '"') {
        if (line.at[end] == '@')
            sign = end;
        end++;
    }
    add_words(a, view_slice(line, 0, from), out);
    if (sign > 0)
        buf_add_str(out, "[redacted]@");
    add_addresses(a, view_slice(line, sign > 0 ? sign + 1 : from, line.len), out);
}

/* "name: value", "name = value" and the like; JSON's quotes belong to neither. */
static void add_line(struct aliases *a, struct view line, struct buf *out)
{
    size_t at = 0, begin;

    while (at < line.len && (isspace(line.at[at]) || line.at[at] == '"' || line.at[at] == '{'))
        at++;
    begin = at;
    while (at < line.len && is_word(line.at[at]))
        at++;
    struct view name = view_slice(line, begin, at - begin);
    while (at < line.len && (line.at[at] == '"' || line.at[at] == ' '))
        at++;
    if (at < line.len && (line.at[at] == ':' || line.at[at] == '=') && name_is_secret(name)) {
        buf_add(out, view_slice(line, 0, at + 1));
        buf_add_str(out, " [redacted]");
        return;
    }
    add_addresses(a, line, out);
}

static void redact(struct aliases *a, struct view text, struct buf *out)
{
    bool key = false;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t n = end == NULL ? text.len : (size_t)(end - text.at);
        struct view line = view_slice(text, 0, n);

        if (starts(line, "-----BEGIN") && memmem(line.at, line.len, "PRIVATE", 7) != NULL) {
            buf_add_str(out, "[redacted]\n");
            key = true;
        }
        if (!key) {
            add_line(a, line, out);
            if (end != NULL)
                buf_add_byte(out, '\n');
        }
        key = key && !starts(line, "-----END");
        text = view_slice(text, end == NULL ? text.len : n + 1, text.len);
    }
}

void parcel_redact(struct view text, bool anonymize, struct buf *out)
{
    struct aliases *a = calloc(1, sizeof *a);

    if (a == NULL) {
        out->err = SP_ERR_NOMEM;
        return;
    }
    a->wanted = anonymize;
    redact(a, text, out);
    free(a);
}

/* ---- what is in it ------------------------------------------------------------------------ */

sp_error parcel_new(bool anonymize, struct parcel **out)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->anonymize = anonymize;
    *out = p;
    return SP_OK;
}

void parcel_free(struct parcel *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++)
        buf_deinit(&p->files[i].text);
    free(p);
}

void parcel_add(struct parcel *p, const char *name, struct view text)
{
    if (p->count == PARCEL_FILES_MAX)
        return;
    struct buf *out = &p->files[p->count].text;

    snprintf(p->files[p->count].name, sizeof p->files[0].name, "%s", name);
    p->count++;
    buf_init(out, PARCEL_FILE_MAX);
    parcel_redact(text, p->anonymize, out);
    if (buf_error(out) == SP_OK && out->len > 0)
        return;
    bool empty = buf_error(out) == SP_OK;
    buf_deinit(out);
    buf_init(out, PARCEL_FILE_MAX);
    buf_add_str(out, empty ? "(empty)\n" : "(left out: too long)\n");
}

void parcel_add_json(struct parcel *p, const char *name, const struct json *j)
{
    struct buf text;

    buf_init(&text, PARCEL_FILE_MAX);
    if (json_write_pretty(j, &text) != SP_OK)
        buf_reset(&text);
    parcel_add(p, name, buf_view(&text));
    buf_wipe(&text);
}

void parcel_add_file(struct parcel *p, const char *name, const char *path)
{
    struct sp_why why = {0};
    struct buf text;

    buf_init(&text, PARCEL_FILE_MAX);
    if (file_read(path, PARCEL_FILE_MAX, &text, &why) != SP_OK) {
        buf_reset(&text);
        buf_addf(&text, "(not read: %s)\n", why.text);
    }
    parcel_add(p, name, buf_view(&text));
    buf_wipe(&text);
}

void parcel_list(const struct parcel *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++)
        buf_addf(out, "%-16s %6zu bytes\n", p->files[i].name, p->files[i].text.len);
}

/* ---- its form ----------------------------------------------------------------------------- */

static void octal(char *to, size_t room, uint64_t n)
{
    for (size_t i = room - 1; i-- > 0; n >>= 3)
        to[i] = (char)('0' + (n & 7));
    to[room - 1] = '\0';
}

/* ustar, POSIX.1-1988. */
static void tar_add(struct buf *out, const char *name, struct view text)
{
    static const char zeros[BLOCK];
    char h[BLOCK] = {0};
    unsigned sum = 0;

    snprintf(h, 100, "sallyport-bugreport/%s", name);
    octal(h + 100, 8, 0600);
    octal(h + 108, 8, 0);
    octal(h + 116, 8, 0);
    octal(h + 124, 12, text.len);
    octal(h + 136, 12, (uint64_t)(clock_unix() / 1000));
    memset(h + 148, ' ', 8);
    h[156] = '0';
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    octal(h + 148, 7, sum);
    buf_add(out, (struct view){(const uint8_t *)h, BLOCK});
    buf_add(out, text);
    buf_add(out, (struct view){(const uint8_t *)zeros, (BLOCK - text.len % BLOCK) % BLOCK});
}

/* CRC-32 of RFC 1952, bit by bit: a parcel is small. */
static uint32_t crc32_of(struct view v)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < v.len; i++) {
        crc ^= v.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
    }
    return ~crc;
}

static void add_le(struct buf *out, uint32_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_byte(out, (uint8_t)(n >> 8 * i));
}

/* RFC 1952 around RFC 1951's stored blocks. */
static void gzip(struct view v, struct buf *out)
{
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    size_t at = 0;

    buf_add(out, (struct view){head, sizeof head});
    do {
        struct view piece = view_slice(v, at, STORED_MAX);
        at += piece.len;
        buf_add_byte(out, at == v.len ? 1 : 0);
        add_le(out, (uint32_t)piece.len, 2);
        add_le(out, ~(uint32_t)piece.len, 2);
        buf_add(out, piece);
    } while (at < v.len);
    add_le(out, crc32_of(v), 4);
    add_le(out, (uint32_t)v.len, 4);
}

sp_error parcel_write(const struct parcel *p, const char *path, struct sp_why *why)
{
    static const uint8_t end[2 * BLOCK];
    struct buf tar, packed;
    sp_error e;

    buf_init(&tar, PARCEL_MAX);
    buf_init(&packed, PARCEL_MAX + PARCEL_MAX / 1000);
    for (size_t i = 0; i < p->count; i++)
        tar_add(&tar, p->files[i].name, buf_view(&p->files[i].text));
    buf_add(&tar, (struct view){end, sizeof end});
    gzip(buf_view(&tar), &packed);
    if ((e = buf_error(&tar)) == SP_OK && (e = buf_error(&packed)) == SP_OK)
        e = file_create_secret(path, buf_view(&packed), why);
    buf_deinit(&packed);
    buf_deinit(&tar);
    return e;
}
