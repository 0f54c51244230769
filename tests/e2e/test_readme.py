"""README's walk from nothing to a used application, its own commands in its own order.

Everything is on one machine, as the README says; the person's browser is the only thing played."""

import os
import pathlib
import re
import signal
import subprocess
import time

from harness import browser, cage, net, proc, world as worlds

PASSWORD = "a long pass phrase"


def blocks():
    text = (worlds.TOP / "README.md").read_text()
    walk = text[text.index("## From nothing to a used application"):]
    return re.findall(r"^```\n(.*?)^```", walk[:walk.index("\n## ", 3)], re.S | re.M)


def test_the_walk_of_the_readme_leads_to_a_used_application(tmp_path):
    certificate, servers, records, connector, person = blocks()
    build = pathlib.Path(os.environ.get("SALLYPORT_BUILD", worlds.TOP / "build-release"))
    path = ":".join(str(build / room) for room in ("broker", "relay", "connector", "client", "client/admin"))
    cage.add_host("127.0.0.1", "access.example.com")
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    here = net.Node("here", host=True)
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)}
    out = open(tmp_path / "out.log", "w+")
    shell = subprocess.Popen(["bash", "-e"], cwd=tmp_path, env=env, stdin=subprocess.PIPE, stdout=out, stderr=out, text=True,
                             start_new_session=True)

    def type_in(commands, done):
        shell.stdin.write(commands + f"\necho {done}\n")
        shell.stdin.flush()
        said = lambda: (tmp_path / "out.log").read_text()
        proc.until(f"the block that ends with {done}", 60, lambda: f"\n{done}\n" in "\n" + said() or shell.poll() is not None)
        assert shell.poll() is None, said()
        return said()

    try:
        type_in(certificate, "certified")
        type_in(servers, "served")
        proc.until("broker and relay are up", 20, lambda: '"relay.broker_up"' in (tmp_path / "out.log").read_text())
        type_in(records, "recorded")
        type_in(connector, "connected")
        login, rest = person.split("\n", 1)
        type_in(f"({login} --no-browser > login.log 2>&1; echo login ended $?) &", "asked")
        url = proc.until("login prints its address", 20,
                         lambda: re.search(r"https://\S+", (tmp_path / "login.log").read_text()))[0]
        browser.Person("anna", PASSWORD).walk(browser.Browser(here, [tmp_path / "ca.pem"]), url,
                                              lambda page: page.url.startswith("http://127.0.0.1:"))
        proc.until("login ends", 20, lambda: "login ended 0" in (tmp_path / "out.log").read_text())
        until_kill, kill = rest[:rest.index("sallyport-admin session kill")], rest[rest.index("sallyport-admin session kill"):]
        said = type_in(until_kill.split("curl ")[0], "opened")
        address = re.findall(r"127\.77\.\d+\.\d+:\d+", said)[-1]
        said = type_in(re.sub(r"127\.77\.\d+\.\d+:\d+", address, until_kill[until_kill.index("curl "):]), "used")
        assert "hello from the wiki" in said
        assert "wiki: allow via private-apps/staff" in said
        type_in(kill, "killed")
        time.sleep(0.2)
        assert "wiki" not in subprocess.run(["sallyport-admin", "session", "list"], cwd=tmp_path, env=env, capture_output=True,
                                            text=True, check=True).stdout
    finally:
        os.killpg(shell.pid, signal.SIGTERM)  # the programs of the walk are its children
        shell.wait(10)
        out.close()
