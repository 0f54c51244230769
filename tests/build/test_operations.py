"""docs/operations.md says what the programs have, and nothing else; its backup and restore are walked."""

import re
import subprocess
import time

from test_dev import BROKER, TOP, dev  # noqa: F401 - dev is a fixture
from test_health import config, health  # noqa: F401

DOC = (TOP / "docs" / "operations.md").read_text()


def keys_of_the_program():
    """The schema's table: names, with their block in front."""
    source = (TOP / "broker" / "config.c").read_text()
    found = set()
    for table, body in re.findall(r"struct config_field (\w+)\[\] = \{(.*?)\{0\}\};", source, re.S):
        block = {"provider_fields": "providers[].", "broker_config_fields": ""}.get(table, table.replace("_fields", "."))
        for name, kind in re.findall(r'\.name = "(\w+)",\s*\.kind = (\w+)', body):
            if kind not in ("CONFIG_BLOCK", "CONFIG_BLOCKS"):
                found.add(block + name)
    return found


def test_every_key_is_documented_and_every_documented_key_exists():
    table = DOC.split("### Every key of broker.yaml")[1].split("\n## ")[0]
    told = {name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`([^`]+)`", row)}
    assert len(told) > 20 and told == keys_of_the_program()


def test_every_metric_is_documented_and_every_documented_metric_exists():
    program = {name for file in ("ops.c", "ops_gateways.c", "ops_feeds.c") for name in re.findall(r'"(sallyport_[a-z_]+)', (TOP / "broker" / file).read_text())}
    assert len(program) > 10 and program == set(re.findall(r"`(sallyport_[a-z_]+)`", DOC))


def test_every_documented_event_of_the_log_exists():
    source = "".join(p.read_text() for p in (TOP / "broker").rglob("*.c"))
    table = DOC.split("## Logs")[1].split("\n## ")[0]
    told = set(re.findall(r"`([a-z]+\.[a-z_]+)`", table))
    assert len(told) > 5 and not {name for name in told if f'"{name}"' not in source}


def run(*arguments):
    return subprocess.run([BROKER, *map(str, arguments)], capture_output=True, text=True, timeout=30)


def test_a_backup_of_a_running_broker_comes_back(config, tmp_path):  # noqa: F811
    copy = tmp_path / "copy.db"
    broker = subprocess.Popen([BROKER, "run", "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if health(config).stdout:
                break
            time.sleep(0.1)
        done = run("backup", "--config", config, "--file", copy)
        assert done.returncode == 0 and copy.stat().st_mode & 0o777 == 0o600, done
        done = run("restore", "--config", config, "--file", copy)
        assert done.returncode == 1 and "Stop the broker first" in done.stderr, done
    finally:
        broker.terminate()
        assert broker.wait(20) == 0
    print_before = run("key", "fingerprint", "--config", config).stdout
    assert run("account", "disable", "alice", "--config", config).returncode == 0
    done = run("restore", "--config", config, "--file", copy)
    assert done.returncode == 0, done
    done = run("account", "list", "--config", config)
    assert "alice" in done.stdout and "disabled" not in done.stdout, done
    assert run("key", "fingerprint", "--config", config).stdout == print_before
    assert run("audit", "verify", "--config", config).returncode == 0
