/* What is known about what a condition asks for. */
#include "broker/policy/say.h"
#include "lib/base/encode.h"

#include <arpa/inet.h>

static void say_groups(const struct facts *f, struct buf *out)
{
    if (!f->groups_known) {
        buf_add_str(out, "could not be read");
        if (f->groups_detail != NULL && *f->groups_detail != '\0') {
            buf_add_str(out, ": ");
            encode_visible(view_str(f->groups_detail), out);
        }
        return;
    }
    for (size_t i = 0; i < f->group_count && i < 20; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        encode_visible(view_str(f->groups[i]), out);
    }
    if (f->group_count > 20)
        buf_addf(out, " and %zu more", f->group_count - 20);
    else if (f->group_count == 0)
        buf_add_str(out, "in no group");
}

static void say_proofs(const struct facts *f, struct buf *out)
{
    bool first = true;

    for (size_t i = 0; i < f->proof_count; i++) {
        const struct mfa_proof *p = &f->proofs[i];
        if (p->at == 0)
            continue;
        buf_addf(out, "%s%s ", first ? "" : "; ", mfa_word(p->kind));
        if (p->at > f->mfa_now) {
            buf_add_str(out, "from the future");
        } else {
            say_age(f->mfa_now - p->at, out);
            buf_add_str(out, " ago");
        }
        if (p->acr != NULL && *p->acr != '\0') {
            buf_add_str(out, ", acr ");
            encode_visible(view_str(p->acr), out);
        }
        first = false;
    }
    if (first)
        buf_add_str(out, "no proof");
}

static void say_address(const struct facts *f, struct buf *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool four = memcmp(f->peer.bytes, mapped, sizeof mapped) == 0;
    char text[INET6_ADDRSTRLEN];

    if (!f->peer.known)
        buf_add_str(out, "unknown");
    else if (inet_ntop(four ? AF_INET : AF_INET6, four ? f->peer.bytes + 12 : f->peer.bytes, text,
                       sizeof text) != NULL)
        buf_add_str(out, text);
}

static void say_device(const struct facts *f, struct buf *out)
{
    if (f->device_known)
        buf_addf(out, "state %s, owner %s, key %s", device_state_word(f->device_state),
                 device_owner_word(f->device_owner), device_key_word(f->device_key));
    else
        buf_add_str(out, "no agent");
}

void say_fact_test(const struct signal_test *t, const struct facts *f, struct buf *out)
{
    const struct fact_value *v = signal_test_evidence(t, f);

    if (v == NULL) {
        buf_add_str(out, "never reported");
        return;
    }
    say_value(t->signal, v, out);
    if (v->detail != NULL && *v->detail != '\0') {
        buf_add_str(out, ", ");
        encode_visible(view_str(v->detail), out);
    }
    buf_addf(out, ", says %s ", say_source(v->source));
    say_age(f->now - v->observed_at, out);
    buf_add_str(out, f->now >= v->expires_at ? " ago (expired)" : " ago");
}

static void say_tests(const struct condition *c, const struct facts *f, struct buf *out)
{
    for (size_t i = 0; i < c->is.posture.count; i++) {
        buf_add_str(out, i == 0 ? "" : "; ");
        say_fact_test(&c->is.posture.at[i], f, out);
    }
}

static void say_labels(const struct facts *f, struct buf *out)
{
    for (size_t i = 0; i < f->label_count; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        encode_visible(view_str(f->labels[i].key), out);
        buf_add_str(out, ": ");
        encode_visible(view_str(f->labels[i].value), out);
    }
    if (f->label_count == 0)
        buf_add_str(out, "no labels");
}

static void say_list(const struct condition_list *l, const struct facts *f, struct buf *out)
{
    for (size_t i = 0; i < l->count; i++) {
        buf_add_str(out, i == 0 ? "" : "; ");
        say_fact(&l->at[i], f, out);
    }
}

void say_fact(const struct condition *c, const struct facts *f, struct buf *out)
{
    switch (c->kind) {
    case COND_GROUPS:
        say_groups(f, out);
        break;
    case COND_USERS:
        encode_visible(view_str(f->user == NULL ? "nobody" : f->user), out);
        break;
    case COND_MFA:
        say_proofs(f, out);
        break;
    case COND_DEVICE:
        say_device(f, out);
        break;
    case COND_POSTURE:
        say_tests(c, f, out);
        break;
    case COND_SCORE:
        say_fact_test(&c->is.score, f, out);
        break;
    case COND_NETWORK:
        say_address(f, out);
        break;
    case COND_COUNTRY:
        encode_visible(view_str(f->country == NULL ? "unknown" : f->country), out);
        break;
    case COND_TIME:
        buf_add_str(out, f->clock_alarm ? "the clock is not to be trusted" : clock_text(f->now).s);
        break;
    case COND_APP:
        say_labels(f, out);
        break;
    case COND_RISK:
        buf_add_str(out, f->risk == RISK_NONE ? "unknown" : risk_word(f->risk));
        break;
    case COND_ANY:
        for (size_t i = 0; i < c->is.any.count; i++) {
            buf_add_str(out, i == 0 ? "" : "; ");
            say_list(&c->is.any.at[i], f, out);
        }
        break;
    case COND_NOT:
        say_list(&c->is.not, f, out);
        break;
    case COND_NONE:
    case COND_KINDS:
        break;
    }
}
