/* Commands on the accounts of the built-in provider. Passwords come from a file or the terminal,
 * never from the command line (HRD-16). */

#include "broker/commands.h"
#include "broker/idp/accounts.h"
#include "broker/offline.h"
#include "lib/os/file.h"
#include "lib/term/ask.h"
#include "lib/term/out.h"

#include <stdio.h>

enum { PASSWORD_MAX = 1024, GROUPS_TEXT_MAX = 512 };

static sp_error read_password(const struct command_call *call, struct buf *out, struct sp_why *why)
{
    const char *file = command_value(call, "password-file");
    sp_error e = file != NULL ? file_read_secret(file, PASSWORD_MAX, out, why)
                              : ask_hidden("Password (at least 12 characters): ", out);

    if (e == SP_ERR_UNSUPPORTED)
        return sp_why_say(why, SP_ERR_INVALID, "there is no terminal: give --password-file FILE");
    while (e == SP_OK && out->len > 0 &&
           (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
        out->len--;
    return e;
}

/* "a,b,c" cut into names within `room`. */
static size_t split(const char *text, char room[GROUPS_TEXT_MAX], const char *out[])
{
    size_t count = 0;

    snprintf(room, GROUPS_TEXT_MAX, "%s", text);
    for (char *at = room; *at != '\0' && count < ACCOUNT_GROUPS_MAX;) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        if (*at != '\0')
            out[count++] = at;
        if (comma == NULL)
            break;
        at = comma + 1;
    }
    return count;
}

static sp_error add(const struct command_call *call, struct store *st, struct sp_why *why)
{
    const char *groups[ACCOUNT_GROUPS_MAX], *list = command_value(call, "groups");
    char room[GROUPS_TEXT_MAX];
    struct account_change c = {.display = command_value(call, "display"),
                               .email = command_value(call, "email"),
                               .groups = groups,
                               .set_groups = list != NULL};
    struct accounts *accounts = NULL;
    struct buf password;
    struct sp_id id;
    sp_error e;

    buf_init(&password, PASSWORD_MAX);
    if (list != NULL)
        c.group_count = split(list, room, groups);
    if ((e = read_password(call, &password, why)) == SP_OK &&
        (e = accounts_new(st, &accounts)) == SP_OK) {
        c.password = buf_view(&password);
        e = accounts_add(accounts, call->args[0], &c, why, &id);
    }
    accounts_free(accounts);
    buf_wipe(&password);
    return e;
}

static int changed(const struct command_call *call, bool disabled)
{
    struct json *j;

    if (!call->json) {
        printf("%s %s\n", call->args[0], disabled ? "disabled" : "added");
        return EXIT_OK;
    }
    j = json_object();
    json_set_cstr(j, "name", call->args[0]);
    json_set_bool(j, "disabled", disabled);
    return command_json("broker.account", j);
}

int cmd_account_add(const struct command_call *call)
{
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_WRITE, &o);
    sp_error e;

    if (code == EXIT_OK && (e = add(call, o.store, &why)) != SP_OK)
        code = offline_fail(call, e, "The account was not added.", &why);
    else if (code == EXIT_OK)
        code = changed(call, false);
    offline_close(&o);
    return code;
}

int cmd_account_disable(const struct command_call *call)
{
    static const bool yes = true;
    struct account_change c = {.disabled = &yes};
    struct accounts *accounts = NULL;
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_WRITE, &o);
    sp_error e;

    if (code == EXIT_OK) {
        if ((e = accounts_new(o.store, &accounts)) == SP_OK)
            e = accounts_change(accounts, call->args[0], &c, &why);
        if (e != SP_OK)
            code = offline_fail(call, e, "The account was not changed.", &why);
        else
            code = changed(call, true);
    }
    accounts_free(accounts);
    offline_close(&o);
    return code;
}

static bool show(void *arg, const struct account_row *row)
{
    struct json *list = arg, *one = json_object();

    json_set_cstr(one, "name", row->name);
    json_set_cstr(one, "email", row->email);
    json_set_cstr(one, "groups", row->groups);
    json_set_bool(one, "disabled", row->disabled);
    json_push(list, one);
    return true;
}

static int print_accounts(const struct json *list)
{
    static const char *const heads[] = {"NAME", "STATE", "GROUPS"};
    const struct out o = out_on(stdout);
    struct out_table *t = out_table_new(heads, 3);

    if (t == NULL)
        return EXIT_ERROR;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        bool disabled = json_is_true(json_get(one, "disabled"));
        out_table_row(t, (struct out_cell[]){
                             {json_cstr(json_get(one, "name")), OUT_PLAIN},
                             {disabled ? "disabled" : "active", disabled ? OUT_BAD : OUT_GOOD},
                             {json_cstr(json_get(one, "groups")), OUT_PLAIN}});
    }
    sp_error e = out_table_print(t, &o);
    out_table_free(t);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}

int cmd_account_list(const struct command_call *call)
{
    struct json *list = json_array(), *object;
    struct offline o;
    int code = offline_open(call, OFFLINE_READ, &o);
    sp_error e;

    if (code == EXIT_OK &&
        (e = store_services(o.store)->logins->account_list(o.store, show, list)) != SP_OK)
        code = offline_fail(call, e, "The accounts can't be read.", NULL);
    offline_close(&o);
    if (code == EXIT_OK && call->json) {
        object = json_object();
        json_set(object, "accounts", list);
        return command_json("broker.accounts", object);
    }
    if (code == EXIT_OK)
        code = print_accounts(list);
    json_free(list);
    return code;
}
