"""GW-65: an API with one flaw for each item of the OWASP API Security Top 10 (2023), each exploited without the gateway
and refused, or reported, with it.

    client: a program of anna's ── agent ══ relay ══ connector (gateway) ── vulnapi

Without: the same requests from the connector's own machine, straight to the application. With: through the
app's record below. 500 honest calls pass, and the broker shows what was found."""

import http.client
import json
import time

import pytest

from harness import cage, proc

GATEWAY = """\
identity: {headers: true}
limits: {body: 1MiB, inspect: 256KiB}
methods: [GET, POST, PUT, PATCH, DELETE]
operations:
  - {match: "POST /v1/login", login: on, account: /username, password: /password}
  - {match: "/v1/admin/**", groups: [builtin/admins]}
owner:
  - {match: "GET /v1/accounts/{id}", from: {response: /owner}, equals: "${user.email}", mode: block}
  - {match: "PUT /v1/owners/{owner}/accounts/{id}", from: {path: owner}, equals: "${user.email}", mode: block}
  - {match: "PUT /v1/accounts/{id}", from: {preflight: "GET /v1/accounts/{id}", pointer: /owner}, equals: "${user.email}", mode: block}
  - {match: "DELETE /v1/accounts/{id}", from: {preflight: "GET /v1/accounts/{id}", pointer: /owner}, equals: "${user.email}", mode: block}
rate:
  - {name: tickets, match: "POST /v1/tickets", key: [user], rate: 5/m, burst: 5}
input_rules: {mode: block, ssrf: [callback_url]}
detectors: {credential: block, scanner: block, enumeration: monitor, exposure: block, inventory: on, learning: 0s,
            budget: [{match: "GET /v1/export", bytes: 1MiB, window: 1h, mode: block}]}
retire: [{match: "/v0/**", deprecated: 2025-01-01, sunset: 2026-01-01, successor: "/v1", after: block}]
"""


def ask(host, port, requests):
    """Several requests over one connection: [(status, JSON)]. Runs wherever it is called."""
    seen, connection = [], http.client.HTTPConnection(host, port, timeout=20)
    for method, path, body in requests:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {} if body is None else {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        try:
            seen.append((answer.status, json.loads(text)))
        except ValueError:
            seen.append((answer.status, text.decode()))
    connection.close()
    return seen


@pytest.fixture(scope="module")
def vulnapi(world):
    app = world.apps["vulnapi"]
    world.wait_app(app)
    return app


@pytest.fixture(scope="module")
def direct(world, vulnapi):
    return lambda *requests: world.connector_node.run(ask, str(world.private), vulnapi.port, requests)


@pytest.fixture(scope="module")
def record(world, vulnapi):
    return world.console.add_app("bank", world.site, world.private, vulnapi.port, "http", gateway=GATEWAY)


@pytest.fixture(scope="module")
def through(world, anna, record):
    proc.until("anna sees the bank", 20, lambda: "bank" in {a["name"] for a in anna.json("apps")["apps"]})
    address, port = anna.address_of("bank")
    return lambda *requests: world.client.run_as(anna.uid, ask, address, port, requests)


def incidents(world, record, detector):
    return world.console.call("GET", f"/incidents?app={record['id']}&detector={detector}")["items"]


def found(world, record, detector):
    """The newest incident of a detector, once the broker has it."""
    return proc.until(f"an incident of {detector}", 20, lambda: incidents(world, record, detector))[0]


def test_an_incident_says_whose_part_is_missing(world, record, through):
    """Each connector learns by itself: an incident names how many others the site has."""
    through(("GET", "/v1/accounts/1001", None))
    sites = [c["site"]["id"] for c in world.console.call("GET", "/connectors")["items"]]
    assert found(world, record, "owner")["other_connectors"] == sites.count(record["site"]["id"]) - 1


def refused(answer, status, word):
    assert answer[0] == status, answer
    assert answer[1]["type"] == f"urn:sallyport:problem:{word}", answer


def test_GW_65_honest_calls_pass(through):
    calls = []
    for i in range(100):
        calls += [("GET", "/v1/accounts/1000", None), ("GET", "/v1/profiles/anna", None), ("GET", "/v1/export?rows=5", None),
                  ("GET", "/v1/state", None), ("PUT", "/v1/owners/anna@example.test/accounts/1000", {"label": f"mine {i}"})]
    answers = through(*calls)
    assert len(answers) == 500
    assert [a for a in answers if a[0] != 200] == []


def test_GW_65_API1_somebody_elses_object_is_withheld(world, record, direct, through):
    foreign = ("GET", "/v1/accounts/1001", None)
    write = ("PUT", "/v1/owners/carl@example.test/accounts/1001", {"label": "stolen"})
    assert direct(foreign)[0][1]["owner"] == "carl@example.test"
    got = through(foreign, write)
    refused(got[0], 403, "owner")
    refused(got[1], 403, "owner")
    assert "carl" not in json.dumps(got)
    assert "label" not in direct(foreign)[0][1]  # GW-50: the object is as it was
    assert found(world, record, "owner")["evidence"]


def test_GW_50_GW_65_API1_a_foreign_object_is_as_it_was_after_put_and_delete(direct, through):
    foreign = ("GET", "/v1/accounts/1002", None)
    steal, close = ("PUT", "/v1/accounts/1002", {"label": "stolen"}), ("DELETE", "/v1/accounts/1003", None)
    assert direct(steal)[0][1]["label"] == "stolen"
    before = direct(foreign, ("GET", "/v1/accounts/1003", None))
    got = through(("PUT", "/v1/accounts/1002", {"label": "again"}), close, ("DELETE", "/v1/accounts/999999", None))
    refused(got[0], 403, "owner")
    refused(got[1], 403, "owner")
    refused(got[2], 404, "preflight")
    assert direct(foreign, ("GET", "/v1/accounts/1003", None)) == before
    assert through(("PUT", "/v1/accounts/1000", {"label": "mine"}))[0][1]["label"] == "mine"


def test_GW_65_API2_guessing_ends_at_the_tenth(world, record, direct, through):
    guesses = [("POST", "/v1/login", {"username": "carl", "password": f"guess{i}"}) for i in range(30)]
    assert {status for status, _ in direct(*guesses)} == {401}
    answers = through(*guesses)
    assert [status for status, _ in answers[:10]] == [401] * 10
    for answer in answers[10:]:
        refused(answer, 429, "credential")
    assert found(world, record, "credential")["evidence"][0] == "brute force: 10 failed logins on one account in 10 min"


def test_GW_65_API3_what_nobody_should_see_is_withheld(world, record, direct, through):
    leak = ("GET", "/v1/profiles/anna/card", None)
    assert direct(leak)[0][1]["card"] == "4111111111111111"
    got = through(leak)[0]
    refused(got, 502, "exposure")
    assert "4111" not in json.dumps(got)
    assert any('payment card numbers (property "card")' in line for line in found(world, record, "exposure")["evidence"])


def test_GW_65_API4_a_budget_ends_what_has_no_limit(world, record, direct, through):
    much = ("GET", "/v1/export?rows=4000", None)
    assert len(direct(much)[0][1]) == 4000
    answers = through(*[much] * 8)
    assert answers[0][0] == 200
    refused(answers[-1], 429, "volume")
    assert found(world, record, "budget")["evidence"][0].endswith("the budget is 1048576")


def test_GW_65_API5_an_administrators_function_is_not_for_everyone(direct, through):
    assert direct(("DELETE", "/v1/admin/users/user01", None))[0][0] == 200
    assert through(("DELETE", "/v1/admin/users/user02", None))[0][0] == 403
    assert "user02" in direct(("GET", "/v1/state", None))[0][1]["users"]


def test_GW_65_API6_a_program_does_not_buy_the_whole_stock(direct, through):
    buy = ("POST", "/v1/tickets", {"event": 7})
    assert {status for status, _ in direct(*[buy] * 20)} == {201}
    statuses = [status for status, _ in through(*[buy] * 20)]
    assert statuses.count(201) <= 6 and statuses[-1] == 429, statuses


def test_GW_65_API7_a_url_into_the_private_network_goes_nowhere(direct, through, vulnapi, world):
    urls = [f"http://{world.private}:{vulnapi.port}/debug/env", "http://127.0.0.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/"]
    hook = lambda url: ("POST", "/v1/hooks", {"callback_url": url})
    assert direct(hook(urls[0]))[0][1]["fetched"] == 200
    for answer in through(*map(hook, urls[1:])):
        refused(answer, 403, "input")


def test_GW_65_API8_a_forgotten_page_is_reported(world, record, direct, through):
    debug = ("GET", "/debug/env", None)
    assert "database_password" in direct(debug)[0][1]
    refused(through(debug)[0], 502, "exposure")
    assert any(i["endpoint"] == "GET /debug/env" for i in proc.until(
        "the page is reported", 20, lambda: [i for i in incidents(world, record, "exposure") if "debug" in i["endpoint"]]))


def test_GW_65_API9_the_version_before_is_gone(direct, through):
    old = ("GET", "/v0/accounts/1000", None)
    assert direct(old)[0][1]["pin"] == "0000"
    refused(through(old)[0], 410, "gone")


def test_GW_65_API10_what_a_partner_sends_is_reported(world, record, direct, through):
    rates = ("GET", "/v1/rates", None)
    assert "PRIVATE KEY" in direct(rates)[0][1]["note"]
    refused(through(rates)[0], 502, "exposure")
    proc.until("the key is reported", 20, lambda: any("a private key" in line for i in incidents(world, record, "exposure")
                                                      for line in i["evidence"]))

# GW-42: what the inventory says of the same API beside a document that knows a part of it.

DOCUMENT = """\
openapi: 3.1.0
info: {title: bank, version: "1"}
paths:
  /v1/profiles/{name}:
    get:
      parameters: [{name: name, in: path, required: true, schema: {type: string}}]
      responses: {"200": {content: {application/json: {schema: {type: object, properties: {name: {type: string}}}}}}}
  /v0/accounts/{id}:
    get:
      deprecated: true
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: the version before}}
"""


def test_GW_42_shadow_zombie_and_drift_are_found_within_a_minute(world, anna, vulnapi):
    files = world.folder(cage.WORK / "c1" / "gateway", "connector")
    world.write(files / "bank.yaml", DOCUMENT, "connector")
    app = world.console.add_app("papers", world.site, world.private, vulnapi.port, "http",
                                gateway="openapi: {file: bank.yaml}\n")
    proc.until("anna sees the papers", 20, lambda: "papers" in {a["name"] for a in anna.json("apps")["apps"]})
    address, port = anna.address_of("papers")
    calls = [("GET", "/v1/profiles/anna", None), ("GET", "/v0/accounts/1000", None), ("GET", "/v1/state", None)]
    answers = world.client.run_as(anna.uid, ask, address, port, calls * 3)
    assert {status for status, _ in answers} == {200}

    def states():
        rows = world.console.call("GET", f"/endpoints?app={app['id']}")["items"]
        return {f"{r['method']} {r['path']}": set(r["states"]) for r in rows}

    expected = {"GET /v1/profiles/{name}": {"documented", "drift"}, "GET /v0/accounts/{id}": {"documented", "zombie"},
                "GET /v1/state": {"shadow"}}
    proc.until("every state is found", 60, lambda: expected.items() <= states().items())


def endpoints(world, record, **query):
    wanted = "&".join(f"{k}={v}" for k, v in {"app": record["id"], "limit": 200, **query}.items())
    return {f"{e['method']} {e['path']}": e for e in world.console.call("GET", f"/endpoints?{wanted}")["items"]}


def test_GW_42_GW_44_the_inventory_reaches_the_broker(world, record, through):
    through(("GET", "/v1/accounts/1000", None))
    account = proc.until("the endpoint is at the broker", 60, lambda: endpoints(world, record).get("GET /v1/accounts/{account_id}"))
    assert account["calls"] >= 100 and account["users"] == 1 and sum(account["week"]) == account["calls"]
    assert account["refused"] >= 1  # API1's
    one = world.console.call("GET", f"/endpoints/{account['id']}")
    assert {p["name"] for p in one["parts"][0]["properties"]} >= {"id", "owner", "balance"}
    assert "anna@example.test" not in json.dumps(one)  # names of members, never their values
    assert [e["path"] for e in world.console.call("GET", f"/endpoints?app={record['id']}&q=accounts&sort=path&limit=1")["items"]]
    draft = world.console.call("GET", f"/apps/{record['id']}/draft")
    assert draft["openapi"].startswith("3.1") and "get" in draft["paths"]["/v1/accounts/{account_id}"]
    bank = next(a for a in world.console.call("GET", "/gateway/apps")["items"] if a["app"]["name"] == "bank")
    assert bank["endpoints"] == len(endpoints(world, record)) and bank["coverage"]["requests"] > 500
    assert bank["coverage"]["read"] > 0
    metrics = proc.command(world.edge, ["curl", "-s", "http://127.0.0.1:7480/metrics"]).out
    counted = {line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if line.startswith("sallyport_gateway_")}

    def family(name):
        return {key: n for key, n in counted.items() if key.startswith(f'sallyport_gateway_{name}{{app="bank"')}

    assert sum(family("requests_total").values()) > 500 and sum(family("blocks_total").values()) > 20
    assert counted['sallyport_gateway_requests_total{app="bank",class="2xx"}'] > 400
    assert counted['sallyport_gateway_blocks_total{app="bank",reason="owner"}'] > 0
    assert counted['sallyport_gateway_not_inspected_total{app="bank",cause="streaming"}'] >= 0
    assert counted['sallyport_gateway_inspected_bytes_total{app="bank"}'] > 1000
    for phase in ("own", "upstream"):
        assert counted[f'sallyport_gateway_duration_seconds_bucket{{app="bank",phase="{phase}",le="+Inf"}}'] > 400
        assert 0 < counted[f'sallyport_gateway_duration_seconds_sum{{app="bank",phase="{phase}"}}'] < 600
    assert all(n >= 0 for n in family("state_bytes").values()) and counted['sallyport_gateway_state_bytes{app="bank",part="detectors"}'] > 1e6
    assert 0 <= counted['sallyport_gateway_ratelimit_table_used_ratio{app="bank"}'] < 1
    assert 0 < counted['sallyport_gateway_schema_load_seconds{app="papers"}'] < 60


def test_an_endpoint_that_is_right_so_is_marked_until_a_day(world, record):
    account = endpoints(world, record)["GET /v1/accounts/{account_id}"]
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    version = world.console.call("GET", f"/endpoints/{account['id']}")["version"]
    marked = world.console.call("PUT", f"/endpoints/{account['id']}/expected", {"until": until, "reason": "known"},
                                {"If-Match": f'"{version}"'})
    assert marked["expected"]["reason"] == "known"
    assert any(r["action"] == "gateway.expect" for r in world.console.audit(action="gateway.expect"))


def test_whom_a_rule_touched_and_its_mode_is_switched_without_touching_the_rest(world, record):
    hits = {h["rule"]: h for h in world.console.call("GET", f"/gateway/hits?app={record['id']}")["items"] if h["reason"] == "exposure"}
    assert hits["exposure"]["people"] == 1 and hits["exposure"]["blocked"] >= 1 and hits["exposure"]["mode"] == "block"
    assert hits["exposure"]["part"] == "detectors.exposure"
    people = world.console.call("GET", f"/gateway/people?app={record['id']}&reason=exposure&rule=exposure")["items"]
    assert [p["user"]["name"] for p in people] == ["anna"]
    before = world.console.call("GET", f"/apps/{record['id']}")
    world.console.call("PUT", f"/apps/{record['id']}/gateway/mode", {"reason": "exposure", "rule": "exposure", "mode": "monitor"},
                       {"If-Match": f'"{before["version"]}"'})
    after = world.console.call("GET", f"/apps/{record['id']}")
    assert after["gateway"] == before["gateway"].replace("exposure: block", "exposure: monitor")
    proc.until("the mode is in force", 20, lambda: world.console.call("GET", f"/gateway/hits?app={record['id']}"))
    world.console.call("PUT", f"/apps/{record['id']}/gateway/mode", {"reason": "exposure", "rule": "exposure", "mode": "block"},
                       {"If-Match": f'"{after["version"]}"'})
    assert world.console.call("GET", f"/apps/{record['id']}")["gateway"] == before["gateway"]


def test_what_is_expected_is_raised_no_more(world, record, through):
    """`expected` reaches the connector: neither an incident nor its count for this person at this endpoint."""
    leak = ("GET", "/v1/rates", None)
    incident = next(i for i in proc.until("the incident", 20, lambda: incidents(world, record, "exposure")) if i["endpoint"] == "GET /v1/rates")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    world.console.call("POST", f"/incidents/{incident['id']}/expect", {"until": until, "reason": "the partner's key is public"})
    time.sleep(1)
    through(leak, leak)
    time.sleep(3)
    again = world.console.call("GET", f"/incidents/{incident['id']}")
    assert again["count"] == incident["count"]


def test_GW_59_a_scanner_is_stopped_and_reported(world, record, through):
    # Last: for ten minutes nothing of anna's passes at this app.
    # Four of five requests of two minutes must have missed, and the tests above sent some 700 that did not.
    answers = through(*[("GET", f"/backup-{i}.sql", None) for i in range(3500)])
    assert [status for status, _ in answers[:20]] == [404] * 20
    refused(answers[-1], 403, "scanner")
    refused(through(("GET", "/v1/state", None))[0], 403, "scanner")
    incident = found(world, record, "scanner")
    assert incident["user"]["name"] == "anna"
    assert incident["evidence"][0].startswith("tried ") and "different unknown paths in 2 min" in incident["evidence"][0]
    assert any(r["action"] == "gateway.incident" for r in world.console.audit(action="gateway.incident"))
