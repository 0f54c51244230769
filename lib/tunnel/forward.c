#include "lib/tunnel/forward.h"
#include "lib/tunnel/thread_internal.h"

void forward_init(struct forward *f, struct outer *from, struct wire *from_wire, struct outer *to,
                  struct wire *to_wire, bool bare)
{
    *f = (struct forward){
        .from = from, .to = to, .from_wire = from_wire, .to_wire = to_wire, .state = SWITCH_FRAMES};
    outer_mode(from, bare);
    outer_proved(from); /* what the ends said inside is theirs to judge */
}

bool forward_blocked(const struct forward *f)
{
    return wire_unsent(f->to_wire) >= TUNNEL_BATCH_BYTES;
}

bool forward_bare(const struct forward *f)
{
    return f->state == SWITCH_BARE;
}

/* Payload of `from`'s frames, up to a batch, gathered where the next frame's header goes before
 * it: whose frames they were makes no difference. */
SP_MUST static sp_error gather(struct forward *f, uint8_t *stage, size_t *len, bool *switched)
{
    struct outer_bit bit;
    sp_error e = SP_OK;

    *len = 0;
    *switched = false;
    while (*len < FRAME_SEND_MAX && !*switched) {
        if ((e = outer_read(f->from, false, stage + *len, FRAME_SEND_MAX - *len, &bit)) != SP_OK)
            break;
        *len += bit.len;
        *switched = bit.kind == OUTER_SWITCHED;
    }
    return e;
}

SP_MUST static sp_error pass_switch(struct forward *f)
{
    struct switch_check check = {.agreed = true, .proved = true, .record_ends = true};
    sp_error e;

    if ((e = outer_switch(f->to, true)) != SP_OK)
        return e;
    f->state = switch_over(SWITCH_RELAY, f->state, check);
    outer_shed(f->from);
    outer_shed(f->to);
    return SP_OK;
}

SP_MUST static sp_error run_frames(struct forward *f)
{
    uint8_t *stage = f->to_wire->thread->stage;
    bool switched;
    size_t len;
    sp_error gathered = gather(f, stage, &len, &switched), e;

    if (len > 0) {
        if ((e = outer_frame(f->to, FRAME_BIN, stage, len)) != SP_OK)
            return e;
        f->bytes += len;
    }
    if (switched)
        return pass_switch(f);
    return gathered;
}

/* Bytes behind SWITCH that we had read already. Then, and only then, the kernel may splice. */
static void run_drain(struct forward *f)
{
    f->bytes += wire_pass(f->from_wire, f->to_wire);
    if (wire_waiting(f->from_wire) == 0 && wire_unsent(f->to_wire) == 0 && f->state == SWITCH_DRAIN)
        f->state = switch_next(SWITCH_RELAY, f->state, SWITCH_EV_EMPTY);
}

sp_error forward_run(struct forward *f)
{
    sp_error e = SP_OK;

    while (e == SP_OK && f->state == SWITCH_FRAMES && !forward_blocked(f))
        e = run_frames(f);
    if (e != SP_OK && e != SP_ERR_AGAIN)
        return e;
    if (f->state == SWITCH_DRAIN || f->state == SWITCH_BARE)
        run_drain(f);
    return SP_OK;
}
