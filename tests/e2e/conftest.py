"""One world for all end-to-end tests; what a test breaks it mends before it ends (see harness/world.py)."""

import os
import pathlib

import pytest

from harness import apps, cage, proc, world as worlds

if not cage.inside():
    pytest.exit("the end-to-end tests run in namespaces of their own: start them by tests/e2e/run", returncode=2)

BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", worlds.TOP / "build-release"))
PASSWORD = "correct horse battery"


def furnish(world):
    """Broker, relay, one site with its connector and apps, an admin's console."""
    for kind in (apps.Nginx, apps.Sshd, apps.Postgres, apps.GitDaemon, apps.FieldApp, apps.Recorder, apps.Vulnapi):
        world.start_app(kind)
    for app in world.apps.values():
        world.wait_app(app)
    world.apps["postgres"].fill()
    world.start_broker([("root", PASSWORD, ["admins"]), ("ada", PASSWORD, ["admins"]), ("anna", PASSWORD, ["staff"]), ("carl", PASSWORD, ["visitors"])],
                       proxies='["127.0.0.9"]')  # of test_fronts.py
    world.start_relay()
    world.console = worlds.Console(world, "root", PASSWORD).sign_in()
    world.site = world.console.call("POST", "/sites", {"name": "office"})["id"]
    world.records = {}
    for name, app in world.apps.items():
        if name in ("recorder", "vulnapi"):
            continue  # test_gateway.py and test_vulnapi.py make their records
        kind = "http" if name == "nginx" else "tcp"
        record = world.console.add_app({"nginx": "wiki", "sshd": "shell", "postgres": "orders", "gitdaemon": "notes",
                                        "fieldapp": "echo"}[name], world.site, world.private, app.port, kind)
        world.records[record["name"]] = record
    for name, port in (("ends", 7002), ("source", 7003), ("sink", 7004), ("websocket", 7005), ("reset", 7006), ("kept", 7007)):
        world.records[name] = world.console.add_app(name, world.site, world.private, port)
    world.records["off-floor"] = world.console.add_app("off-floor", world.site, world.private, 7008)
    world.records["payroll"] = world.console.add_app("payroll", world.site, world.private, 80, labels={"tier": "payroll"})
    world.console.put_policy(worlds.POLICY)
    world.floor_ports = [22, 80, 3306, 5432, 6379, *range(7001, 7008), *range(7101, 7109), 9418]  # 7008 is outside, for the test of the floor
    world.enrol_connector(world.console, world.site)


@pytest.fixture(scope="session")
def world():
    w = worlds.World(BUILD)
    try:
        furnish(w)
        yield w
    finally:
        w.stop()


@pytest.fixture(scope="session")
def anna(world):
    """A member of staff, signed in, her agent running."""
    user = world.user("anna", PASSWORD, ["staff"]).start_agent()
    user.login()
    return user


@pytest.fixture(scope="session")
def carl(world):
    """Someone with a login and no group."""
    user = world.user("carl", PASSWORD, ["visitors"]).start_agent()
    user.login()
    return user


@pytest.fixture(scope="session")
def ada(world):
    """An administrator at a terminal: sallyport-admin by the login of her agent."""
    user = world.user("ada", PASSWORD, ["admins"]).start_agent()
    user.login()
    return user


@pytest.fixture
def stations(world, anna, ada):
    """Of each program where it runs, as whom, with which environment and folder, and what its commands need besides."""
    etc = cage.WORK / "etc"
    return {"sallyport": (world.client, "anna", anna.env, anna.home, ()), "sallyport-admin": (world.client, "ada", ada.env, ada.home, ()),
            "sallyport-broker": (world.edge, "broker", {}, cage.WORK / "broker", ("--config", world.config)),
            "sallyport-connector": (world.connector_node, "connector", {}, cage.WORK / "c1", ("--config", etc / "c1.yaml")),
            "sallyport-relay": (world.edge, "broker", {}, cage.WORK / "relay", ("--config", etc / "relay.yaml"))}


def pytest_collection_modifyitems(items):
    """The harness's own first, since its applications take the keys of people's homes; faults last, where every program
    is killed and agents of people who are not asked come back in their own time; then what all of it has left in the logs."""
    items.sort(key=lambda item: {"test_cage.py": 0, "test_faults.py": 2, "test_secrecy.py": 3}.get(item.path.name, 1))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A red test shows the last lines of every program."""
    report = (yield).get_result()
    if report.failed and "world" in item.fixturenames and "world" in getattr(item, "funcargs", {}):
        for program in item.funcargs["world"].programs():
            report.sections.append((f"{program.name} ({program.log})", program.tail(15)))


@pytest.fixture(autouse=True)
def sanitizers_are_silent(request):
    """No program may have reported an error of ASan, UBSan or LSan, whatever the test saw."""
    yield
    logs = cage.WORK / "logs"
    if logs.exists():
        for log in logs.glob("*.log"):
            text = log.read_text(errors="replace")
            for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer"):
                assert mark not in text, f"{log.name}: {text[text.index(mark):][:3000]}"
