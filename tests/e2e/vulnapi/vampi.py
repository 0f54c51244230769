"""vampi: books and their owners, with the flaws that VAmPI is known for."""

import re
import sqlite3
import threading
import time

import served

KEY = "random"  # which signs the tokens, and is in every list of words
EMAIL = re.compile(r"^([0-9a-zA-Z]([-.\w]*[0-9a-zA-Z])*@{1}([0-9a-zA-Z][-\w]*[0-9a-zA-Z]\.)+[a-zA-Z]{2,9})$")
store, lock = sqlite3.connect(":memory:", check_same_thread=False), threading.Lock()
store.execute("CREATE TABLE users (username TEXT, password TEXT, email TEXT, admin INTEGER)")
store.executemany("INSERT INTO users VALUES (?, ?, ?, ?)", [(n, f"{n}-pass-1", f"{n}@mail.example", n == "admin") for n in ("anna", "carl", "admin", "spare")])
books = {f"book{i}": {"title": f"book{i}", "owner": ("anna", "carl")[i % 2], "secret": f"secret of book{i}"} for i in range(10)}


def rows(statement, *values):
    with lock:
        return store.execute(statement, values).fetchall()


def caller(api):
    return served.claims_of(api, KEY).get("sub", "")


def me(api, _query):
    found = rows("SELECT username, email, admin FROM users WHERE username = ?", caller(api))
    return api.answer(200, dict(zip(("username", "email", "admin"), found[0]))) if found else api.answer(401, {"error": "who?"})


def login(api, _query):
    given = api.body()
    found = rows("SELECT password FROM users WHERE username = ?", given["username"])
    if not found:  # says which of both was wrong; as many guesses as one likes
        return api.answer(401, {"message": "Username does not exist"})
    if found[0][0] != given["password"]:
        return api.answer(401, {"message": "Password is not correct for the given username"})
    return api.answer(200, {"auth_token": served.sign({"sub": given["username"]}, KEY)})


def register(api, _query):  # takes whatever column is named
    given = api.body()
    rows("INSERT INTO users VALUES (?, ?, ?, ?)", given["username"], given["password"], given["email"], bool(given.get("admin")))
    return api.answer(201, {"admin": bool(given.get("admin"))})


def debug(api, _query):  # left on
    return api.answer(200, {"users": rows("SELECT * FROM users")})


def user(api, _query, name):  # a statement pasted together
    found = rows(f"SELECT username, email FROM users WHERE username = '{name}'")
    return api.answer(200, {"users": found}) if found else api.answer(404, {"error": "no such user"})


def set_password(api, _query, name):  # whose it is, nobody asks
    rows("UPDATE users SET password = ? WHERE username = ?", api.body()["password"], name)
    return api.answer(200, {"password": rows("SELECT password FROM users WHERE username = ?", name)[0][0]})


def set_email(api, _query, name):  # an expression that tries for ever
    email, before = api.body()["email"], time.thread_time()
    good = bool(EMAIL.match(email))
    return api.answer(200, {"good": good, "cpu_ms": 1000 * (time.thread_time() - before)})


def remove(api, _query, name):  # for administrators, as the token says
    if caller(api) != "admin":
        return api.answer(401, {"error": "only administrators"})
    rows("DELETE FROM users WHERE username = ?", name)
    return api.answer(200, {"removed": name})


def book(api, _query, title):  # everybody's secret for everybody
    return api.answer(200, books[title]) if title in books else api.answer(404, {"error": "no such book"})


class Vampi(served.Api):
    routes = [("GET", "/me", me), ("POST", "/users/v1/login", login), ("POST", "/users/v1/register", register),
              ("GET", "/users/v1/_debug", debug), ("GET", "/users/v1/([^/]+)", user), ("DELETE", "/users/v1/([^/]+)", remove),
              ("PUT", "/users/v1/([^/]+)/password", set_password), ("PUT", "/users/v1/([^/]+)/email", set_email),
              ("GET", "/books/v1/([^/]+)", book)]
