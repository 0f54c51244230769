#include "lib/term/trace.h"

static const char *text(const struct json *object, const char *name)
{
    const char *s = json_cstr(json_get(object, name));

    return s == NULL ? "" : s;
}

static void print_condition(const struct out *out, const struct json *c)
{
    const char *asked = text(c, "text"), *fact = text(c, "fact"), *source = text(c, "source");
    int64_t age = 0;
    bool aged = json_integer(json_get(c, "age_ms"), &age);

    out_line(out, "      %-8s %s%s%s%s%s%s%s%s%s", text(c, "value"), text(c, "key"),
             asked[0] == '\0' ? "" : ": ", asked, fact[0] == '\0' ? "" : " · it is ", fact,
             source[0] == '\0' ? "" : ", says ", source, aged ? ", " : "",
             aged ? out_ago(age).s : "");
}

static void print_rules(const struct out *out, const char *kind, const struct json *rules)
{
    for (size_t i = 0; i < json_len(rules); i++) {
        const struct json *r = json_at(rules, i), *conditions = json_get(r, "conditions");

        out_line(out, "  %-8s %s/%s: %s%s", kind, text(r, "policy"), text(r, "rule"),
                 text(r, "value"), json_is_true(json_get(r, "decides")) ? ", decides" : "");
        for (size_t k = 0; k < json_len(conditions); k++)
            print_condition(out, json_at(conditions, k));
    }
}

void trace_rules(const struct out *out, const struct json *trace)
{
    static const char *const kinds[] = {"deny", "require", "allow"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        print_rules(out, kinds[i], json_get(trace, kinds[i]));
}

void trace_lines(const struct out *out, const char *head, const struct json *texts)
{
    for (size_t i = 0; i < json_len(texts); i++)
        if (json_cstr(json_at(texts, i)) != NULL)
            out_line(out, "%s%s", head, json_cstr(json_at(texts, i)));
}
