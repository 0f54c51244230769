#include "lib/base/id.h"

#include "lib/base/encode.h"

struct id_text id_text(struct sp_id id)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct id_text t = {{0}};

    /* 22 characters of six bits: the last one carries two bits and four zeros */
    for (size_t i = 0; i < SP_ID_TEXT; i++) {
        size_t bit = i * 6, byte = bit / 8, shift = bit % 8;
        unsigned pair = (unsigned)id.bytes[byte] << 8;
        if (byte + 1 < SP_ID_BYTES)
            pair |= id.bytes[byte + 1];
        t.s[i] = alphabet[pair >> (10 - shift) & 63];
    }
    return t;
}

sp_error id_parse(struct view text, struct sp_id *out)
{
    struct sp_id id;

    if (text.len != SP_ID_TEXT || decode_base64url_exact(text, id.bytes, SP_ID_BYTES) != SP_OK)
        return SP_ERR_MALFORMED;
    *out = id;
    return SP_OK;
}

sp_error id_from_bytes(struct view bytes, struct sp_id *out)
{
    if (bytes.len != SP_ID_BYTES)
        return SP_ERR_MALFORMED;
    memcpy(out->bytes, bytes.at, SP_ID_BYTES);
    return SP_OK;
}
