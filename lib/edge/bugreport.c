#include "lib/edge/bugreport.h"

#include "lib/term/out.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "lib/base/banned.h"

static void add_about(struct parcel *p, const char *program)
{
    char version[96];
    struct json *j = json_object();
    struct utsname u;

    (void)snprintf(version, sizeof version, "%s %s", program, SP_VERSION);
    json_set_cstr(j, "program", version);
    if (uname(&u) == 0) {
        json_set_cstr(j, "kernel", u.release);
        json_set_cstr(j, "machine", u.machine);
    }
    parcel_add_json(p, "about.json", j);
    json_free(j);
}

static void fill(struct parcel *p, const struct bugreport *b)
{
    struct json *rows = checks_json(b->checks);

    add_about(p, b->program);
    parcel_add_json(p, "doctor.json", rows);
    json_free(rows);
    if (b->status != NULL)
        parcel_add_json(p, "status.json", b->status);
    b->more(b->arg, p);
}

/* What is in it is shown before it is written. */
static sp_error list_and_write(const struct parcel *p, const char *path, struct sp_why *why)
{
    struct buf list;

    buf_init(&list, 8192);
    parcel_list(p, &list);
    (void)fwrite(list.at, 1, list.len, stderr);
    buf_deinit(&list);
    return parcel_write(p, path, why);
}

static int failed(const struct command_call *call, sp_error e, const struct sp_why *why)
{
    const struct command_failure f = {.exit = EXIT_ERROR,
                                      .code = sp_error_code(e),
                                      .what = "The report is not written.",
                                      .why = why->text[0] != '\0' ? why->text : sp_error_text(e),
                                      .next = "--output FILE names another file"};

    return command_fail(call, &f);
}

int bugreport_write(const struct command_call *call, const struct bugreport *b)
{
    const char *path = command_value(call, "output");
    char usual[128];
    struct sp_why why = {0};
    struct parcel *p = NULL;
    sp_error e = parcel_new(command_given(call, "anonymize"), &p);

    (void)snprintf(usual, sizeof usual, "%s-bugreport.tar.gz", b->program);
    path = path != NULL ? path : usual;
    if (e == SP_OK) {
        fill(p, b);
        e = list_and_write(p, path, &why);
    }
    parcel_free(p);
    if (e != SP_OK)
        return failed(call, e, &why);
    if (call->json) {
        struct json *j = json_object();
        json_set_cstr(j, "file", path);
        return command_json(b->schema, j);
    }
    puts(path);
    return EXIT_OK;
}
