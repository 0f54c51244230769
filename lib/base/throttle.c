#include "lib/base/throttle.h"

int64_t throttle_wait(unsigned fails)
{
    int64_t wait = THROTTLE_FIRST_MS;

    if (fails <= THROTTLE_FREE)
        return 0;
    for (unsigned n = THROTTLE_FREE + 1; n < fails && wait < THROTTLE_MOST_MS; n++)
        wait *= 2;
    return wait < THROTTLE_MOST_MS ? wait : THROTTLE_MOST_MS;
}

bool throttle_locked(const struct throttle *t, uint64_t name, sp_boot_ms now)
{
    for (size_t i = 0; i < THROTTLE_SLOTS; i++)
        if (t->slots[i].name == name)
            return now < t->slots[i].until;
    return false;
}

/* The slot of the name, else an empty or forgotten one, else the one whose lock ends first. */
static size_t slot_for(const struct throttle *t, uint64_t name, sp_boot_ms now)
{
    size_t best = 0;

    for (size_t i = 0; i < THROTTLE_SLOTS; i++)
        if (t->slots[i].name == name)
            return i;
    for (size_t i = 0; i < THROTTLE_SLOTS; i++) {
        if (t->slots[i].name == 0 || now - t->slots[i].last > THROTTLE_FORGET_MS)
            return i;
        if (t->slots[i].until < t->slots[best].until)
            best = i;
    }
    return best;
}

void throttle_failed(struct throttle *t, uint64_t name, sp_boot_ms now)
{
    size_t i = slot_for(t, name, now);

    if (t->slots[i].name != name || now - t->slots[i].last > THROTTLE_FORGET_MS)
        t->slots[i].fails = 0;
    t->slots[i].name = name;
    t->slots[i].last = now;
    t->slots[i].until = now + throttle_wait(++t->slots[i].fails);
}

void throttle_passed(struct throttle *t, uint64_t name)
{
    for (size_t i = 0; i < THROTTLE_SLOTS; i++)
        if (t->slots[i].name == name)
            t->slots[i].name = 0;
}
