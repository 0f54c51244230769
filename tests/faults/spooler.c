/*
 * spooler: the connector's audit spool without a connector: what test_spooler.py drives and kills.
 *
 *   spooler FOLDER
 *
 * One order a line on standard input, one answer a line:
 *   put TEXT…          appended together: "kept NUMBER", the last one's, or "error CODE"
 *   read               "batch SPOOL FIRST TEXT…", or "empty"
 *   told SPOOL NUMBER  "ok"
 * Texts are words. The first line is "ready".
 */
#include "connector/spool.h"
#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 * 1024, WORDS_MAX = SPOOL_BATCH_MAX + 2 };

static struct {
    struct spool *spool;
    int64_t last; /* number of the last record */
    size_t count;
    char *words[WORDS_MAX];
} it;

static void say_error(sp_error e)
{
    printf("error %s\n", sp_error_code(e));
}

static void put(void)
{
    struct view texts[WORDS_MAX];
    size_t n = it.count - 1;

    for (size_t i = 0; i < n; i++)
        texts[i] = view_str(it.words[i + 1]);
    sp_error e = spool_append(it.spool, it.last + 1, clock_unix(), texts, n);
    if (e != SP_OK) {
        say_error(e);
        return;
    }
    it.last += (int64_t)n;
    printf("kept %lld\n", (long long)it.last);
}

static void read_batch(void)
{
    struct spool_batch b;

    spool_batch_init(&b);
    sp_error e = spool_read(it.spool, &b);
    if (e != SP_OK) {
        say_error(e);
    } else if (b.count == 0) {
        puts("empty");
    } else {
        printf("batch %s %lld", id_text(b.spool).s, (long long)b.first);
        for (size_t i = 0; i < b.count; i++)
            printf(" %.*s", VIEW_ARG(b.texts[i]));
        putchar('\n');
    }
    spool_batch_deinit(&b);
}

static void told(void)
{
    struct sp_id id;
    int64_t number;

    if (it.count < 3 || id_parse(view_str(it.words[1]), &id) != SP_OK ||
        num_int(view_str(it.words[2]), 0, INT64_MAX, &number) != SP_OK) {
        say_error(SP_ERR_INVALID);
        return;
    }
    spool_told(it.spool, id, number);
    puts("ok");
}

static void obey(char *line)
{
    char *rest = NULL;

    line[strcspn(line, "\n")] = '\0';
    it.count = 0;
    for (char *w = strtok_r(line, " ", &rest); w != NULL && it.count < WORDS_MAX;
         w = strtok_r(NULL, " ", &rest))
        it.words[it.count++] = w;
    if (it.count > 0 && strcmp(it.words[0], "put") == 0)
        put();
    else if (it.count > 0 && strcmp(it.words[0], "told") == 0)
        told();
    else
        read_batch();
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES];
    struct sp_why why = {{0}, {0}, 0, 0};

    if (argc != 2)
        return 2;
    sp_error e = spool_open(argv[1], SPOOL_BYTES_MIN, &why, &it.spool);
    if (e != SP_OK) {
        say_error(e);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line);
    spool_free(it.spool);
    return 0;
}
