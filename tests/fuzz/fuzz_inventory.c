/* A snapshot is loaded whole or leaves nothing learned; afterwards the inventory still works, keeps
 * its limits, and what it saves it can load again. The hash is made here, so that the fuzzer gets
 * behind it. */
#include "connector/gateway/inventory/inventory.h"
#include "lib/crypto/hash.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void use(struct inventory *v)
{
    struct view segments[] = {view_str("shop"), view_str("17"), view_str("word")};
    struct inventory_name name = {view_str("id"), VALUE_INTEGER};
    struct inventory_call call = {.at = 1,
                                  .method = GW_GET,
                                  .segment_count = 3,
                                  .segments = segments,
                                  .status = 200,
                                  .shape = SHAPE_OBJECT,
                                  .property_count = 1,
                                  .properties = &name,
                                  .query_count = 1,
                                  .query = &name};

    inventory_see(v, &call);
    inventory_see(v, &call);
    inventory_sweep(v, 100);
    for (size_t at = 0; inventory_next(v, &at) != NULL;)
        ;
    json_free(inventory_draft(v, view_str("x")));
    struct inventory_figures f = inventory_figures(v);
    if (f.nodes > INVENTORY_NODES_MAX || f.endpoints > INVENTORY_ENDPOINTS_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inventory_options o = {.key = "fuzz"};
    struct inventory *v = NULL, *again = NULL;
    struct hash h = hash_sha256((struct view){data, size});
    struct buf state;

    if (inventory_new(&o, &v) != SP_OK)
        return 0;
    if (inventory_document(v, GW_GET, view_str("/shop/{id}"), false) != SP_OK)
        abort();
    buf_init(&state, 4 << 20);
    buf_add_str(&state, "SPI1");
    buf_add_uint(&state, size, 8);
    buf_add(&state, (struct view){data, size});
    buf_add(&state, hash_view(&h));
    if (inventory_load(v, buf_view(&state)) != SP_OK && inventory_figures(v).endpoints != 1)
        abort();
    use(v);
    buf_reset(&state);
    if (inventory_save(v, &state) == SP_OK && inventory_new(&o, &again) == SP_OK &&
        inventory_load(again, buf_view(&state)) != SP_OK)
        abort();
    buf_deinit(&state);
    inventory_free(v);
    inventory_free(again);
    return 0;
}
