"""The desktop: notifications of the agent and the tray, over a private session bus with python-dbusmock and with a real panel.

    dbus-daemon (anna's)  ◀── agent: org.freedesktop.Notifications ──▶  dbusmock
                          ◀── sallyport tray: StatusNotifierItem   ──▶  dbusmock, then xfce4-panel under Xvfb
"""

import json
import pathlib
import re
import shutil
import time

import pytest

from harness import browser, cage, proc, world as worlds
from harness.wire import dial

PYTHON = "/usr/bin/python3"  # the one that Debian's python3-dbusmock is for
SNI = pathlib.Path(__file__).resolve().parent / "harness" / "sni.py"

pytestmark = pytest.mark.skipif(not pathlib.Path("/usr/lib/python3/dist-packages/dbusmock").exists(),
                                reason="python3-dbusmock is not installed")


class Desktop:
    """anna's session bus, where every agent of hers finds it: $XDG_RUNTIME_DIR/bus."""

    def __init__(self, user):
        self.user, self.programs = user, []
        self.address = f"unix:path={user.runtime}/bus"
        self.env = {**user.env, "DBUS_SESSION_BUS_ADDRESS": self.address}
        self.log = user.world.logs / f"notifications-{time.monotonic_ns()}.log"
        self.start("dbus-daemon", "--session", "--nofork", f"--address={self.address}")
        proc.until("the bus is there", 10, lambda: (user.runtime / "bus").exists())
        cage_sni = cage.WORK / "sni.py"
        shutil.copy(SNI, cage_sni)
        cage_sni.chmod(0o644)

    def start(self, *arguments, env=None):
        program = proc.Program(self.user.world.client, arguments, self.user.world.logs / f"desktop-{len(self.programs)}-{time.monotonic_ns()}.log",
                               user=self.user.name, env={**self.env, **(env or {})}, cwd=str(self.user.home))
        self.programs.append(program)
        return program

    def notifications(self, *more):
        self.log.touch()
        self.log.chmod(0o666)
        self.start(PYTHON, "-m", "dbusmock", "--template", "notification_daemon", "--logfile", str(self.log), *more)
        proc.until("the mock owns its name", 10, lambda: self.owner("org.freedesktop.Notifications"))
        return self

    def owner(self, name):
        return self.user.shell("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetNameOwner",
                               f"string:{name}", env=self.env).code == 0

    def said(self, member="Notify"):
        return [line for line in self.log.read_text().splitlines() if f" {member} " in line]

    def hears(self, text, seconds=20, member="Notify"):
        return proc.until(f"a notification says {text!r}", seconds, lambda: next((line for line in self.said(member) if text in line), None))

    def sni(self, *arguments):
        done = self.user.shell(PYTHON, str(cage.WORK / "sni.py"), *arguments, env=self.env)
        if done.code:
            raise proc.Failed(repr(done))
        return done.out

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        (self.user.runtime / "bus").unlink(missing_ok=True)


@pytest.fixture
def desktop(anna):
    d = Desktop(anna)
    yield d
    d.stop()


@pytest.fixture
def told(desktop):
    return desktop.notifications()


@pytest.fixture
def policy(world):
    yield world.console.put_policy
    world.console.put_policy(worlds.POLICY)


def test_notify_says_whether_the_desktop_shows_it(world, anna):
    done = anna.run("notify")
    assert done.code == 1 and "no desktop session" in done.err, done
    d = Desktop(anna)
    try:
        done = anna.run("notify")
        assert done.code == 1 and "no notification service" in done.err, done
        d.notifications()
        done = anna.run("notify")
        assert done.code == 0 and done.out.startswith("Shown by "), done
        assert "Notifications reach this desktop." in d.said()[-1]
    finally:
        d.stop()
    done = anna.run("notify")  # the agent outlives its desktop
    assert done.code == 1, done


def test_a_kill_by_an_administrator_is_told_with_its_reason(world, anna, told):
    with dial(world, anna, "kept"):
        live = proc.until("the session is live", 10, lambda: [
            s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "kept" and s["state"] == "live"])
        world.console.call("POST", f"/sessions/{live[0]['id']}/kill", {"reason": "for <b>maintenance</b> \u202eneves"})
        line = told.hears("An administrator ended kept", 5)
    assert "for &lt;b&gt;maintenance&lt;/b&gt;" in line, "a reason is text, never markup"
    assert "\u202e" not in line and "u{202e}" in line, line
    assert re.search(r"urgency.*2", line), line


def test_a_proof_that_is_asked_for_is_told_and_taken_away_when_it_goes_on(world, anna, told, policy):
    anna.run("down", "notes")
    assert anna.run("up", "notes").code == 0
    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    told.hears("notes asks for a code")
    policy(worlds.POLICY)
    told.hears("", member="CloseNotification")
    anna.run("down", "notes")


def test_a_session_about_to_end_is_told(world, anna, told):
    world.console.add_app("brief", world.site, world.private, 7001, limits={"session_max": "125s"})
    proc.until("the app is there", 10, lambda: anna.run("up", "brief").code == 0)
    line = told.hears("brief ends in 2 min", 20)
    assert "opens a new session" in line
    anna.run("down", "brief")


def test_a_failing_signal_is_told_with_its_remedy(world, anna, told):
    root = cage.WORK / "machine"
    (root / "run").mkdir(parents=True)
    (root / "run" / "reboot-required").touch()
    (root / "etc").mkdir()
    (root / "etc" / "os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    anna.agent._env["SALLYPORT_POSTURE_ROOT"] = str(root)
    try:
        anna.agent.stop()
        anna.restart_agent()
        line = told.hears("fails on this device", 40)
        assert "Restart the machine." in line and "sallyport posture --send" in line, line
    finally:
        del anna.agent._env["SALLYPORT_POSTURE_ROOT"]
        anna.agent.stop()
        anna.restart_agent()


def test_a_login_about_to_end_is_extended_by_the_notice_s_button(world, anna, desktop):
    desktop.notifications("--parameters", json.dumps({"capabilities": "body actions"}))
    opened = anna.home / "opened"
    browser_script = anna.home / "browser"
    browser_script.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser_script.chmod(0o755)
    reopen = lambda **more: (world.broker.stop(), world.broker_config(proxies='["127.0.0.9"]', **more), world.restart(world.broker),
                             world.wait_standing(world.console))
    until = lambda: anna.json("status")["login"]["until"] - time.time() * 1000
    anna.agent.stop()
    anna.agent._env.update(DISPLAY=":0", BROWSER=str(browser_script))
    try:
        reopen(login="{session: 14m}")
        anna.restart_agent()
        anna.login()
        line = desktop.hears("Your login ends at", 20)
        assert "Sign in again" in line and "act" in line, line
        reopen()
        proc.until("the agent is back", 30, lambda: anna.json("status")["broker"]["connected"])
        anna.shell("dbus-send", "--session", "--type=signal", "/org/freedesktop/Notifications", "org.freedesktop.Notifications.ActionInvoked",
                   "uint32:1", "string:act", env=desktop.env)
        time.sleep(0.5)
        assert not opened.exists(), "a stranger on the bus presses nothing"
        desktop.sni("press", "8")
        url = proc.until("the browser was opened", 20, lambda: opened.exists() and opened.read_text().strip())
        web = browser.Browser(world.client, [world.ca], uid=anna.uid)
        anna.person.walk(web, url, lambda page: page.url.startswith(("http://127.0.0.1:", "http://[::1]:")))
        proc.until("the login is longer", 20, lambda: until() > 3600 * 1000)
        desktop.hears("", member="CloseNotification")
        assert not desktop.said()[-1].count("did not finish"), desktop.said()
    finally:
        if until() < 3600 * 1000:
            reopen()
        del anna.agent._env["DISPLAY"], anna.agent._env["BROWSER"]
        anna.agent.stop()
        anna.restart_agent()
        if until() < 3600 * 1000:
            anna.login()


# ---- tray ----

def tray(desktop):
    return desktop.start(str(desktop.user.world.bin / "sallyport"), "tray")


def watcher(desktop, *more):
    desktop.start(PYTHON, "-m", "dbusmock", "--session", "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher")
    proc.until("the watcher owns its name", 10, lambda: desktop.owner("org.kde.StatusNotifierWatcher"))
    desktop.sni("prepare", *more)


def labels(desktop):
    answer = json.loads(desktop.sni("item"))
    flat, todo = [], list(answer["menu"]["children"])
    while todo:
        e = todo.pop(0)
        flat.append((e.get("label", "-"), e.get("enabled", True)))
        todo = e["children"] + todo
    return answer["item"], flat


def test_without_a_tray_host_the_tray_ends_with_1(world, anna, desktop):
    program = tray(desktop)
    assert program.wait_exit(15) == 1
    assert "no tray" in program.text()
    watcher(desktop, "without-host")
    program = tray(desktop)
    assert program.wait_exit(15) == 1


def test_the_tray_shows_state_and_apps_and_obeys(world, anna, desktop, policy):
    watcher(desktop)
    program = tray(desktop)
    item, menu = proc.until("the tray shows who is signed in", 15, lambda: next(
        ((i, m) for i, m in [labels(desktop)] if m[0][0].startswith("Signed in as anna")), None))
    assert item["Id"] == "sallyport" and item["Status"] == "Active", item
    assert item["IconPixmap"] == [24, 24, 24 * 24 * 4]
    names = [label for label, _ in menu]
    for wanted in ("Applications", "Pause", "Sign in", "Open console", "Close this icon"):
        assert wanted in names, names
    proc.until("the apps are listed", 15, lambda: ("wiki: yes", True) in labels(desktop)[1])

    desktop.sni("click", "wiki")
    proc.until("the app is open", 10, lambda: any(s["app"] == "wiki" for s in anna.json("sessions")["sessions"]))
    desktop.sni("click", "Pause")
    proc.until("the tray says so", 10, lambda: labels(desktop)[1][0][0].startswith("Paused"))
    done = anna.run("connect", "wiki")
    assert done.code == 5 and "pause --off" in done.err, done
    assert ("wiki: yes", False) in labels(desktop)[1]
    assert anna.json("status")["paused"] is True
    desktop.sni("click", "Go on")
    proc.until("it goes on", 10, lambda: labels(desktop)[1][0][0].startswith("Signed in"))
    assert anna.run("up", "wiki").code == 0

    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    item, menu = proc.until("it asks for attention", 15, lambda: next(
        ((i, m) for i, m in [labels(desktop)] if i["Status"] == "NeedsAttention"), None))
    assert any(label.startswith("! wiki asks for a code") for label, _ in menu), menu
    desktop.sni("click", "Close this icon")
    assert program.wait_exit(5) == 0


@pytest.mark.skipif(not (shutil.which("xfce4-panel") and shutil.which("Xvfb")), reason="no xfce4-panel, no Xvfb on this machine")
def test_a_real_panel_takes_the_icon(world, anna, desktop):
    """xfce4-panel under Xvfb: it registers as host, reads the item, and draws its pixels on the screen."""
    screen = anna.home / "screen"
    screen.mkdir()
    config = anna.home / ".config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    config.mkdir(parents=True)
    (config / "xfce4-panel.xml").write_text("""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="36"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray">
    <property name="icon-size" type="int" value="24"/></property></property>
</channel>
""")
    for path in [screen, anna.home / ".config", *(anna.home / ".config").rglob("*")]:
        shutil.chown(path, anna.uid, anna.uid)
    display = {"DISPLAY": ":77", "XDG_CURRENT_DESKTOP": "XFCE", "GDK_BACKEND": "x11"}
    desktop.start("Xvfb", ":77", "-screen", "0", "640x120x24", "-fbdir", str(screen), "-nolisten", "tcp")
    proc.until("the display is there", 15, lambda: pathlib.Path("/tmp/.X11-unix/X77").exists())
    desktop.start("xfce4-panel", "--disable-wm-check", env=display)
    proc.until("the panel is a tray host", 40, lambda: desktop.owner("org.kde.StatusNotifierWatcher"))
    program = tray(desktop)
    proc.until("the panel has the item", 20, lambda: any("StatusNotifierItem" in i for i in json.loads(desktop.sni("items"))))
    green = bytes((0x3C, 0x70, 0x12))  # as the frame buffer has it: blue, green, red
    try:
        proc.until("the icon's green is on the screen", 20, lambda: (screen / "Xvfb_screen0").read_bytes().count(green) > 60)
    finally:
        shutil.copy(screen / "Xvfb_screen0", world.logs / "panel.xwd")
    assert program.alive()
