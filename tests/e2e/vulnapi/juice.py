"""juice: a shop for juice, with the flaws that OWASP Juice Shop is known for."""

import posixpath
import sqlite3
import threading
import urllib.parse

import served

store, lock = sqlite3.connect(":memory:", check_same_thread=False), threading.Lock()
store.executescript("""
CREATE TABLE Users (id INTEGER PRIMARY KEY, email TEXT, password TEXT, role TEXT);
INSERT INTO Users VALUES (1, 'admin@juice.example', 'tops3cret', 'admin'), (2, 'anna@example.test', 'anna-pass-1', 'customer'),
                         (3, 'carl@example.test', 'carl-pass-1', 'customer');
CREATE TABLE Products (id INTEGER PRIMARY KEY, name TEXT, price REAL);
INSERT INTO Products VALUES (1, 'Apple Juice', 1.99), (2, 'Orange Juice', 2.99), (9, 'O-Saft', 12.49);
""")
baskets = {i: {"id": i, "UserId": i, "Products": [f"juice {i}"]} for i in (1, 2, 3)}
items, feedbacks, reviews = {1: {"id": 1, "BasketId": 2, "quantity": 1}}, [], {str(i): {"message": "good", "author": "carl"} for i in range(4)}
FILES = {"/ftp/legal.md": "fine print", "/ftp/acquisitions.md": "confidential", "/ftp/package.json.bak": "{}"}


def rows(statement, *values):
    with lock:
        return store.execute(statement, values).fetchall()


def whoami(api, _query):
    return api.answer(200, {"user": {"id": 2, "email": "anna@example.test"}})


def login(api, _query):  # a statement pasted together
    given = api.body()
    found = rows(f"SELECT id, role FROM Users WHERE email = '{given['email']}' AND password = '{given['password']}'")
    return api.answer(200, {"id": found[0][0], "role": found[0][1]}) if found else api.answer(401, {"error": "Invalid email or password."})


def search(api, query):  # the same
    return api.answer(200, {"data": rows(f"SELECT id, name, price FROM Products WHERE ((name LIKE '%{query['q']}%') AND price > 0)")})


def register(api, _query):  # the role, too
    given = api.body()
    rows("INSERT INTO Users (email, password, role) VALUES (?, ?, ?)", given["email"], given["password"], given.get("role", "customer"))
    return api.answer(201, {"email": given["email"], "role": given.get("role", "customer")})


def basket(api, _query, number):  # everybody's for everybody
    return api.answer(200, baskets[int(number)])


def put_in(api, _query):  # looks whose basket the first member names, and uses the last
    pairs = api.pairs()
    if dict(reversed(pairs))["BasketId"] != 2:
        return api.answer(401, {"error": "Invalid BasketId"})
    given = items[len(items) + 1] = dict(pairs)
    return api.answer(200, {"BasketId": given["BasketId"], "quantity": given["quantity"]})


def change_item(api, _query, number):  # less than none is a gift
    items[int(number)].update(api.body())
    return api.answer(200, items[int(number)])


def feedback(api, _query):  # as somebody else, with HTML, as often as one likes
    feedbacks.append(api.body())
    return api.answer(201, {"count": len(feedbacks), **feedbacks[-1]})


def review(api, _query):  # what is no text is a question to the store
    given = api.body()
    hit = [k for k in reviews if (k != str(given["id"]["$ne"]) if isinstance(given["id"], dict) else k == given["id"])]
    for k in hit:
        reviews[k]["message"] = given["message"]
    return api.answer(200, {"modified": len(hit)})


def product(api, _query, number):  # for nobody, and answers
    rows("UPDATE Products SET name = ? WHERE id = ?", api.body()["name"], int(number))
    return api.answer(200, {"name": rows("SELECT name FROM Products WHERE id = ?", int(number))[0][0]})


def configuration(api, _query):
    return api.answer(200, {"config": {"application": {"domain": "juice.example"}, "googleOauth": {"clientId": "100"}}})


def file(api, _query, name):  # one decode more than was checked, and cut at the NUL
    if not name.endswith((".md", ".pdf")):
        return api.answer(403, {"error": "Only .md and .pdf files are allowed!"})
    path = posixpath.normpath("/ftp/" + urllib.parse.unquote(name).split("\0")[0])
    return api.answer(200, FILES[path], "text/plain") if path in FILES else api.answer(404, {"error": "no such file"})


def image(api, _query):  # fetches what it is told
    return api.answer(200, {"fetched": api.fetch(api.body()["imageUrl"])})


def reset(api, _query):  # a pet's name, and as many guesses as one likes
    right = api.body()["answer"] == "Waldi"
    return api.answer(200 if right else 401, {"reset": right})


class Juice(served.Api):
    routes = [("GET", "/rest/user/whoami", whoami), ("POST", "/rest/user/login", login), ("GET", "/rest/products/search", search),
              ("POST", "/api/Users", register), ("GET", r"/rest/basket/(\d+)", basket), ("POST", "/api/BasketItems", put_in),
              ("PUT", r"/api/BasketItems/(\d+)", change_item), ("POST", "/api/Feedbacks", feedback),
              ("PATCH", "/rest/products/reviews", review), ("PUT", r"/api/Products/(\d+)", product),
              ("GET", "/rest/admin/application-configuration", configuration), ("GET", "/ftp/(.+)", file),
              ("POST", "/profile/image/url", image), ("POST", "/rest/user/reset-password", reset)]
