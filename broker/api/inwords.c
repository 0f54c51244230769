/* The rules of a text in words, for whoever reads or writes it: each with the line where it begins.
 */
#include "broker/api/policies.h"
#include "broker/policy/say.h"

enum { RULE_WORDS_MAX = 4096, RULES_TOLD_MAX = 500 };

static void say_rule(const struct rule *r, struct buf *out)
{
    static const char *const starts[] = {[EFFECT_DENY] = "Keeps out: ",
                                         [EFFECT_REQUIRE] = "Asks of everyone: ",
                                         [EFFECT_ALLOW] = "Lets in: "};

    buf_add_str(out, starts[r->effect]);
    if (r->when.count == 0)
        buf_add_str(out, "everyone");
    for (size_t i = 0; i < r->when.count; i++) {
        buf_add_str(out, i == 0 ? "" : "; and ");
        say_asked(&r->when.at[i], out);
    }
    if (r->effect == EFFECT_DENY && r->or_unknown)
        buf_add_str(out, "; also when that is not known");
}

static void add_rules(struct json *list, const struct policy *p, const struct rule *rules,
                      size_t count, unsigned first)
{
    struct buf words;

    buf_init(&words, RULE_WORDS_MAX);
    for (size_t i = 0; i < count && json_len(list) < RULES_TOLD_MAX; i++) {
        if (rules[i].line < first)
            continue;
        struct json *o = json_object();
        buf_reset(&words);
        say_rule(&rules[i], &words);
        json_set_cstr(o, "policy", p->name);
        json_set_cstr(o, "rule", rules[i].name);
        json_set_cstr(o, "effect", effect_word(rules[i].effect));
        json_set_int(o, "line", rules[i].line - first + 1);
        json_set_str(o, "text", buf_view(&words)); /* cut where it is longer than its room */
        json_push(list, o);
    }
    buf_deinit(&words);
}

struct json *rules_in_words(const struct policy_doc *doc, const char *only, unsigned first)
{
    struct json *list = json_array();

    for (size_t i = 0; doc != NULL && i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (only != NULL && strcmp(only, p->name) != 0)
            continue;
        add_rules(list, p, p->deny, p->deny_count, first);
        add_rules(list, p, p->require, p->require_count, first);
        add_rules(list, p, p->allow, p->allow_count, first);
    }
    return list;
}
