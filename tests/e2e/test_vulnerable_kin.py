"""GW-65, further: applications of our own with the flaws that VAmPI, crAPI and OWASP Juice Shop are known for. Each is exploited
straight at the application first, then refused, or reported, through the gateway, while honest calls pass.

    client: a program of anna's ── agent ══ relay ══ connector (gateway) ── vampi, crapi, juice (vulnapi/kin.py)"""

import http.client
import json
import pathlib
import sys

import pytest

from harness import apps, proc

HERE = pathlib.Path(__file__).parent / "vulnapi"
sys.path.insert(0, str(HERE))
import served  # noqa: E402  what the applications sign their tokens with

PORTS = {"vampi": 7106, "crapi": 7107, "juice": 7108}
OPENAPI = "openapi: {request: block, response: block, unknown_endpoint: block}\n"
GATEWAY = {
    "vampi": OPENAPI + """\
operations:
  - {match: "POST /users/v1/login", login: on, account: /username, password: /password}
  - {match: "DELETE /users/v1/{username}", groups: [builtin/admins]}
subject: {match: "GET /me", pointer: /username}
owner:
  - {match: "GET /books/v1/{title}", from: {response: /owner}, equals: "${app.subject}", mode: block}
  - {match: "PUT /users/v1/{username}/password", from: {path: username}, equals: "${app.subject}", mode: block}
  - {match: "PUT /users/v1/{username}/email", from: {path: username}, equals: "${app.subject}", mode: block}
detectors: {credential: block, learning: 0s}
""",
    "crapi": OPENAPI + """\
operations:
  - {match: "/identity/api/v2/admin/**", groups: [builtin/admins]}
owner:
  - {match: "GET /identity/api/v2/user/dashboard", from: {response: /email}, equals: "${user.email}", mode: block}
  - {match: "GET /identity/api/v2/vehicle/{uuid}/location", from: {response: /owner}, equals: "${user.email}", mode: block}
  - {match: "GET /workshop/api/mechanic/mechanic_report", from: {response: /owner}, equals: "${user.email}", mode: block}
rate:
  - {name: otp, match: "POST /identity/api/auth/v2/check-otp", key: [user], rate: 5/h, burst: 5}
input_rules: {mode: block, sqli: free-text, xss: free-text, ssrf: [mechanic_api]}
detectors: {enumeration: monitor, learning: 0s}
""",
    "juice": OPENAPI + """\
operations:
  - {match: "POST /rest/user/login", login: on, account: /email, password: /password}
  - {match: "POST /rest/user/reset-password", login: on, account: /email, password: /answer}
subject: {match: "GET /rest/user/whoami", pointer: /user/id}
owner:
  - {match: "GET /rest/basket/{id}", from: {response: /UserId}, equals: "${app.subject}", mode: block}
  - {match: "POST /api/Feedbacks", from: {body: /UserId}, equals: "${app.subject}", mode: block}
rate:
  - {name: feedback, match: "POST /api/Feedbacks", key: [user], rate: 10/m, burst: 10}
input_rules: {mode: block, sqli: free-text, xss: free-text, ssrf: [imageUrl]}
detectors: {credential: block, learning: 0s}
""",
}


class Kin(apps.App):
    port = PORTS["vampi"]

    def start(self):
        self.program = proc.Program(self.node, [sys.executable, "-u", HERE / "kin.py", self.address, str(self.port)], self.folder / "out.log")
        return self


def ask(host, port, requests):
    """Several requests over one connection: [(status, JSON or text)]. Runs wherever it is called."""
    seen, connection = [], http.client.HTTPConnection(host, port, timeout=20)
    for method, path, *rest in requests:
        body, fields = (rest + [None, None])[:2]
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        connection.request(method, path, text, {**({} if text is None else {"Content-Type": "application/json"}), **(fields or {})})
        answer = connection.getresponse()
        text = answer.read()
        seen.append((answer.status, json.loads(text) if "json" in answer.getheader("Content-Type", "") else text.decode()))
    connection.close()
    return seen


class Target:
    """One application: straight, from the connector's own machine, and through the gateway, as anna."""

    def __init__(self, world, anna, name):
        self.world, self.anna, self.name = world, anna, name
        self.record = world.console.add_app(name, world.site, world.private, PORTS[name], "http", gateway=GATEWAY[name])
        world.console.call("PUT", f"/apps/{self.record['id']}/document", {"text": (HERE / f"{name}.yaml").read_text(), "note": "first"},
                           {"If-Match": f'"{self.record["version"]}"'})
        proc.until(f"anna sees {name}", 20, lambda: name in {a["name"] for a in anna.json("apps")["apps"]})
        self.where = anna.address_of(name)
        proc.until("the document is in force", 20, lambda: self.through(("GET", "/no-such-path"))[0][1]["type"].endswith("unknown_endpoint"))

    def direct(self, *requests):
        return self.world.connector_node.run(ask, str(self.world.private), PORTS[self.name], requests)

    def through(self, *requests):
        return self.world.client.run_as(self.anna.uid, ask, *self.where, requests)

    def incident(self, detector, endpoint, words=""):
        """The incident of a detector at an endpoint whose evidence says so, once the broker has it."""
        path = f"/incidents?app={self.record['id']}&detector={detector}"
        holds = lambda i: i["endpoint"] == endpoint and words in " ".join(i["evidence"])
        return proc.until(f"{detector} at {endpoint}", 20, lambda: [i for i in self.world.console.call("GET", path)["items"] if holds(i)])[0]


@pytest.fixture(scope="module")
def targets(world, anna):
    app = world.start_app(Kin)
    for port in PORTS.values():
        proc.until(f"port {port} answers", 20, apps.answers, world.connector_node, world.private, port)
    yield {name: Target(world, anna, name) for name in PORTS}
    app.stop()


def bearer(name, key):
    return {"Authorization": "Bearer " + served.sign({"sub": name}, key)}


ANNA, CARL, ADMIN, UNSIGNED = bearer("anna", "random"), bearer("carl", "random"), bearer("admin", "random"), bearer("carl", "")
CAR = {"anna": "0d6f0a5c-6f7e-4c55-9f2f-5d9f3f7a1111", "carl": "b1c3d2a4-8a61-4ad7-a0f0-0a51a2bc2222"}
HOOK = {"problem_details": "a noise", "mechanic_api": "http://127.0.0.1:1/"}
NEW = {"username": "dora", "password": "x", "email": "dora@mail.example"}

# ---- honest calls ----

HONEST = {
    "vampi": [("GET", "/me", None, ANNA), ("POST", "/users/v1/login", {"username": "anna", "password": "anna-pass-1"}), ("GET", "/users/v1/carl"),
              ("GET", "/books/v1/book0", None, ANNA), ("PUT", "/users/v1/anna/email", {"email": "anna.b@mail.example"}, ANNA),
              ("PUT", "/users/v1/anna/password", {"password": "anna-pass-1"}, ANNA)],
    "crapi": [("GET", "/identity/api/v2/user/dashboard"), ("GET", f"/identity/api/v2/vehicle/{CAR['anna']}/location"),
              ("GET", "/workshop/api/mechanic/mechanic_report?report_id=2"), ("PUT", "/workshop/api/shop/orders/2", {"quantity": 2}),
              ("POST", "/workshop/api/merchant/contact_mechanic", {**HOOK, "mechanic_api": "http://workshop.example.test/receive"}),
              ("POST", "/community/api/v2/coupon/validate-coupon", {"coupon_code": "TRAC075"})],
    "juice": [("GET", "/rest/user/whoami"), ("GET", "/rest/basket/2"), ("GET", "/rest/products/search?q=apple%20or%20orange%20%26%20juice"),
              ("POST", "/rest/user/login", {"email": "anna@example.test", "password": "anna-pass-1"}), ("GET", "/ftp/legal.md"),
              ("PUT", "/api/BasketItems/1", {"quantity": 3}), ("POST", "/api/BasketItems", {"BasketId": 2, "ProductId": 1, "quantity": 1}),
              ("PATCH", "/rest/products/reviews", {"id": "1", "message": "it's 1 of 3 that I'd select again; <3"})],
}


@pytest.mark.parametrize("name", PORTS)
def test_GW_65_honest_calls_to_the_kin_pass(targets, name):
    answers = targets[name].through(*HONEST[name] * 10)
    assert [a for a in answers if a[0] not in (200, 201)] == []


# ---- one request, one flaw: what the application does, and the gateway's word ----

FLAWS = {
    "vampi: the secret in somebody else's book": (("GET", "/books/v1/book1", None, ANNA), lambda a: a["secret"], 403, "owner"),
    "vampi: somebody else's password": (("PUT", "/users/v1/carl/password", {"password": "mine"}, ANNA), lambda a: a["password"] == "mine", 403, "owner"),
    "vampi: an administrator by registering": (("POST", "/users/v1/register", {**NEW, "admin": True}), lambda a: a["admin"], 400, "schema"),
    "vampi: the page for developers": (("GET", "/users/v1/_debug"), lambda a: "admin-pass-1" in str(a), 400, "schema"),
    "vampi: SQL in a name": (("GET", "/users/v1/x'%20UNION%20SELECT%20username,password%20FROM%20users--%20"), lambda a: "admin-pass-1" in str(a), 400, "schema"),
    "vampi: an address that is tried for ever": (("PUT", "/users/v1/anna/email", {"email": "a" * 22 + "!"}, ANNA), lambda a: a["cpu_ms"] > 20, 400, "schema"),
    "vampi: a token signed with a guessed word": (("DELETE", "/users/v1/spare", None, ADMIN), lambda a: a["removed"], 403, "policy"),
    "crapi: where somebody else's car is": (("GET", f"/identity/api/v2/vehicle/{CAR['carl']}/location"), lambda a: a["location"], 403, "owner"),
    "crapi: somebody else's report": (("GET", "/workshop/api/mechanic/mechanic_report?report_id=3"), lambda a: a["problem"], 403, "owner"),
    "crapi: an unsigned token": (("GET", "/identity/api/v2/user/dashboard", None, UNSIGNED), lambda a: a["email"] == "carl@example.test", 403, "owner"),
    "crapi: more of the author than the post needs": (("GET", "/community/api/v2/community/posts/recent"), lambda a: a[0]["author"]["vehicleid"], 502, "schema"),
    "crapi: an administrator's function": (("DELETE", "/identity/api/v2/admin/videos/8"), lambda a: 8 not in a["videos"], 403, "policy"),
    "crapi: the state of an order by its owner": (("PUT", "/workshop/api/shop/orders/2", {"quantity": 1, "status": "returned"}), lambda a: a["status"] == "returned", 400, "schema"),
    "crapi: less than none": (("PUT", "/workshop/api/shop/orders/2", {"quantity": -100}), lambda a: a["credit"] > 500, 400, "schema"),
    "crapi: a mechanic within": (("POST", "/workshop/api/merchant/contact_mechanic", HOOK), lambda a: a["said"], 403, "input"),
    "crapi: a thousand times": (("POST", "/workshop/api/merchant/contact_mechanic", {**HOOK, "repeat_request_if_failed": True, "number_of_repeats": 1000}),
                                lambda a: a["asked"] == 1000, 400, "schema"),
    "crapi: any coupon but this": (("POST", "/community/api/v2/coupon/validate-coupon", {"coupon_code": {"$ne": "x"}}), lambda a: a["amount"] == 75, 400, "schema"),
    "juice: a login by SQL": (("POST", "/rest/user/login", {"email": "' OR 1=1--", "password": "x"}), lambda a: a["role"] == "admin", 403, "input"),
    "juice: a search by SQL": (("GET", "/rest/products/search?q=x%27))%20UNION%20SELECT%20id,email,password%20FROM%20Users--%20"), lambda a: "tops3cret" in str(a), 403, "input"),
    "juice: an administrator by registering": (("POST", "/api/Users", {"email": "eve@example.test", "password": "x", "role": "admin"}), lambda a: a["role"] == "admin", 400, "schema"),
    "juice: somebody else's basket": (("GET", "/rest/basket/3"), lambda a: a["UserId"] == 3, 403, "owner"),
    "juice: into somebody else's basket by naming it twice": (
        ("POST", "/api/BasketItems", '{"BasketId": 2, "ProductId": 1, "quantity": 1, "BasketId": 3}'), lambda a: a["BasketId"] == 3, 400, ("schema", "duplicate_parameter")),
    "juice: less than none": (("PUT", "/api/BasketItems/1", {"quantity": -100}), lambda a: a["quantity"] == -100, 400, "schema"),
    "juice: a script in a comment": (("POST", "/api/Feedbacks", {"UserId": 2, "comment": "<iframe src=\"javascript:alert(`xss`)\">", "rating": 1}), lambda a: "iframe" in a["comment"], 403, "input"),
    "juice: a comment as somebody else": (("POST", "/api/Feedbacks", {"UserId": 3, "comment": "bad", "rating": 1}), lambda a: a["UserId"] == 3, 403, "owner"),
    "juice: every review at once": (("PATCH", "/rest/products/reviews", {"id": {"$ne": -1}, "message": "gone"}), lambda a: a["modified"] > 1, 400, "schema"),
    "juice: a product by anybody": (("PUT", "/api/Products/9", {"name": "cheap"}), lambda a: a["name"] == "cheap", 405, "method"),
    "juice: the configuration": (("GET", "/rest/admin/application-configuration"), lambda a: a["config"], 404, "unknown_endpoint"),
    "juice: a confidential file": (("GET", "/ftp/acquisitions.md"), lambda a: a == "confidential", 400, "schema"),
    "juice: a file of another kind by a NUL": (("GET", "/ftp/package.json.bak%2500.md"), lambda a: a == "{}", 400, "schema"),
    "juice: a picture from within": (("POST", "/profile/image/url", {"imageUrl": "http://127.0.0.1:1/"}), lambda a: a["fetched"], 403, "input"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_GW_65_a_known_flaw_works_and_is_refused(targets, flaw):
    request, exploited, status, words = FLAWS[flaw]
    target = targets[flaw.partition(":")[0]]
    code, answer = target.direct(request)[0]
    assert code // 100 == 2 and exploited(answer), answer
    code, answer = target.through(request)[0]
    assert code == status, answer
    assert answer["type"].rpartition(":")[2] in ((words,) if isinstance(words, str) else words), answer


# ---- what takes several requests ----

def test_GW_65_a_guessed_token_makes_nobody_another_person(targets):
    """Who a session's person is in an application is said once: carl's token, forged, opens none of carl's books."""
    vampi, book = targets["vampi"], ("GET", "/books/v1/book1", None, CARL)
    assert vampi.direct(("GET", "/me", None, CARL))[0][1]["username"] == "carl"
    answers = vampi.through(("GET", "/me", None, ANNA), ("GET", "/me", None, CARL), book, ("GET", "/books/v1/book0", None, ANNA))
    assert [status for status, _ in answers] == [200, 200, 403, 200]
    vampi.incident("owner", "GET /me", "another name than before")


def test_GW_65_names_are_not_found_out_by_their_logins(targets):
    vampi, tries = targets["vampi"], [("POST", "/users/v1/login", {"username": f"name{i}", "password": "Summer2026!"}) for i in range(25)]
    assert {answer["message"] for _, answer in vampi.direct(*tries)} == {"Username does not exist"}
    answers = vampi.through(*tries)
    assert answers[-1][0] == 429 and answers[-1][1]["type"].endswith("credential")
    vampi.incident("credential", "POST /users/v1/login", "different accounts")


def test_GW_65_a_code_of_four_digits_is_not_tried_out(targets):
    crapi, tries = targets["crapi"], [("POST", "/identity/api/auth/v2/check-otp", {"email": "carl@example.test", "otp": f"{i:04}"}) for i in range(43)]
    assert crapi.direct(*tries)[-1][1] == {"verified": True}
    answers = crapi.through(*tries)
    assert [status for status, _ in answers] == [401] * 5 + [429] * 38


def test_GW_65_reports_one_after_the_other_are_reported(targets):
    crapi, walk = targets["crapi"], [("GET", f"/workshop/api/mechanic/mechanic_report?report_id={i}") for i in range(1, 41)]
    assert {status for status, _ in crapi.direct(*walk)} == {200}
    answers = crapi.through(*walk)
    assert [status for status, _ in answers].count(403) == 20
    assert crapi.incident("owner", "GET /workshop/api/mechanic/mechanic_report")["blocked"] >= 1  # counts follow in half a minute


def test_GW_65_an_answer_to_a_question_is_not_tried_out(targets):
    juice, tries = targets["juice"], [("POST", "/rest/user/reset-password", {"email": "carl@example.test", "answer": f"Rex{i}"}) for i in range(20)]
    tries.append(("POST", "/rest/user/reset-password", {"email": "carl@example.test", "answer": "Waldi"}))
    assert juice.direct(*tries)[-1] == (200, {"reset": True})
    assert juice.through(*tries)[-1][0] == 429


def test_GW_65_a_program_does_not_fill_the_guest_book(targets):
    juice, write = targets["juice"], ("POST", "/api/Feedbacks", {"UserId": 2, "comment": "more", "rating": 5})
    assert {status for status, _ in juice.direct(*[write] * 15)} == {201}
    statuses = [status for status, _ in juice.through(*[write] * 15)]
    assert statuses.count(201) <= 11 and statuses[-1] == 429, statuses
