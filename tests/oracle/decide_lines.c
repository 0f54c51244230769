/*
 * decide_lines: decisions of the C engine for tests/oracle/oracle.py.
 *
 * Reads one JSON object a line: {"policy": YAML or JSON text of a document, "facts": a row of
 * broker/policy/tests.h, "now": ms}. A line without "policy" keeps the last one. Writes one line
 * "verdict reason policy/rule lacking session_max idle reverify step_up every" for each, or
 * "refused" when the document is.
 */
#include "broker/policy/decide.h"
#include "broker/policy/parse.h"
#include "broker/policy/tests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static void answer(const struct policy_doc *doc, const struct json *row, sp_unix_ms now,
                   bool app_exists)
{
    struct facts *f = NULL;
    struct sp_why why = {0};

    if (facts_from_json(row, now, &why, &f) != SP_OK) {
        printf("bad facts: %s %s\n", why.field, why.text);
        return;
    }
    f->app_exists = app_exists;
    struct decision d = decide(doc, NULL, f);
    printf("%s %s %s%s%s %" PRIu32 " %lld %lld %lld %s %lld\n", verdict_word(d.verdict),
           reason_word(d.reason), d.policy == NULL ? "-" : d.policy->name,
           d.rule == NULL ? "" : "/", d.rule == NULL ? "" : d.rule->name, d.lacking,
           (long long)d.limits.session_max_ms, (long long)d.limits.idle_ms,
           (long long)d.limits.reverify_ms, mfa_word(d.limits.step_up),
           (long long)d.limits.step_up_every_ms);
    facts_free(f);
}

int main(void)
{
    struct policy_doc *doc = NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 0) {
        struct json *in = NULL;
        struct sp_why why = {0};
        int64_t now = 0;

        if (json_parse((struct view){(uint8_t *)line, (size_t)len - 1}, LINE_MAX_BYTES, &why,
                       &in) != SP_OK ||
            json_get_int(in, "now", 1, INT64_MAX, &now) != SP_OK) {
            fprintf(stderr, "decide_lines: %s\n", why.text);
            return 1;
        }
        if (json_get(in, "policy") != NULL) {
            policy_doc_free(doc);
            doc = NULL;
            if (policy_parse(json_str(json_get(in, "policy")), NULL, &why, &doc) != SP_OK)
                printf("refused line %u %s: %s\n", why.line, why.field, why.text);
        }
        if (doc != NULL)
            answer(doc, json_get(in, "facts"), now, json_is_true(json_get(in, "app_exists")));
        json_free(in);
    }
    policy_doc_free(doc);
    free(line);
    return 0;
}
