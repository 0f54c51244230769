#!/usr/bin/env python3
"""vulnapi ADDRESS PORT: a small bank-like API with one flaw for each item of the OWASP API Security Top 10 (2023).

It trusts whoever can reach it. Nothing here is an accident: each flaw is named where it stands, and
tests/e2e/test_vulnapi.py exploits it first without and then through the gateway."""

import sys

import served

USERS = ("anna", "carl") + tuple(f"user{i:02d}" for i in range(40))
accounts = {1000 + i: {"id": 1000 + i, "owner": f"{name}@example.test", "balance": 100 + i} for i, name in enumerate(USERS)}
profiles = {name: {"name": name, "role": "customer", "city": "Bern"} for name in USERS}
passwords = {name: f"{name}-secret-1" for name in USERS}
sold, users = [], {name: {"name": name} for name in USERS}


class Bank(served.Api):
    # API1: whose account it is, nobody asks.
    def account(self, _query, number):
        found = accounts.get(int(number))
        return self.answer(200, found) if found else self.answer(404, {"error": "no such account"})

    def rename(self, _query, owner, number):
        accounts[int(number)]["label"] = self.body().get("label")
        return self.answer(200, accounts[int(number)])

    def relabel(self, _query, number):
        return self.rename(_query, None, number)

    def close(self, _query, number):
        return self.answer(200, accounts.pop(int(number)))

    # API2: as many guesses as one likes.
    def login(self, _query):
        given = self.body()
        right = passwords.get(given.get("username")) == given.get("password")
        return self.answer(200, {"session": "ok"}) if right else self.answer(401, {"error": "wrong name or password"})

    # API3: the whole row goes out, with what nobody should see.
    def profile(self, _query, name):
        return self.answer(200, profiles[name])

    def card(self, _query, name):
        return self.answer(200, {**profiles[name], "card": "4111111111111111"})

    # API4: no limit of size or number.
    def export(self, query):
        return self.answer(200, [{"id": i, "text": "x" * 100} for i in range(int(query.get("rows", 10)))])

    # API5: an administrator's function for everyone.
    def remove_user(self, _query, name):
        users.pop(name, None)
        return self.answer(200, {"removed": name})

    # API6: the whole stock for one program.
    def buy(self, _query):
        self.body()
        sold.append(1)
        return self.answer(201, {"ticket": len(sold)})

    # API7: it fetches whatever it is told.
    def hook(self, _query):
        return self.answer(200, {"fetched": self.fetch(self.body()["callback_url"])})

    # API8: a page for developers that was left on.
    def debug(self, _query):
        return self.answer(200, {"python": sys.version, "database_password": "tops3cret"})

    # API9: the version before, which everybody forgot.
    def old_account(self, _query, number):
        return self.answer(200, {**accounts[int(number)], "pin": "0000"})

    # API10: what a partner says is passed on unread.
    def rates(self, _query):
        return self.answer(200, {"chf": 0.95, "note": "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----"})

    # Not a flaw: how the app names its callers.
    def sold_count(self, _query):
        return self.answer(200, {"sold": len(sold), "users": sorted(users)})


Bank.routes = [
    ("GET", r"/v1/accounts/(\d+)", Bank.account),
    ("PUT", r"/v1/accounts/(\d+)", Bank.relabel),
    ("DELETE", r"/v1/accounts/(\d+)", Bank.close),
    ("PUT", r"/v1/owners/([^/]+)/accounts/(\d+)", Bank.rename),
    ("POST", r"/v1/login", Bank.login),
    ("GET", r"/v1/profiles/([a-z0-9]+)", Bank.profile),
    ("GET", r"/v1/profiles/([a-z0-9]+)/card", Bank.card),
    ("GET", r"/v1/export", Bank.export),
    ("DELETE", r"/v1/admin/users/([a-z0-9]+)", Bank.remove_user),
    ("POST", r"/v1/tickets", Bank.buy),
    ("POST", r"/v1/hooks", Bank.hook),
    ("GET", r"/debug/env", Bank.debug),
    ("GET", r"/v0/accounts/(\d+)", Bank.old_account),
    ("GET", r"/v1/rates", Bank.rates),
    ("GET", r"/v1/state", Bank.sold_count),
]


if __name__ == "__main__":
    served.Server((sys.argv[1], int(sys.argv[2])), Bank).serve_forever()
