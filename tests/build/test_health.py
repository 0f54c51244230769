"""`sallyport-broker health`: what it says of a broker that serves, one without a relay, and none."""

import json
import subprocess
import time

import pytest

from test_dev import BROKER, dev, free_port  # noqa: F401 - dev is a fixture


def health(config, *arguments):
    return subprocess.run([BROKER, "health", "--config", config, *arguments], capture_output=True, text=True, timeout=20)


@pytest.fixture
def config(dev, tmp_path):  # noqa: F811
    """The configuration that an evaluation wrote, with an operations endpoint."""
    assert dev("--keep", tmp_path / "state").stop() == 0
    path = tmp_path / "state" / "broker.yaml"
    path.write_text(path.read_text() + f"operations: 127.0.0.1:{free_port()}\n")
    return path


def test_nothing_that_answers_is_8(config):
    done = health(config)
    assert done.returncode == 8 and "does not answer" in done.stderr, done


def doctor(config):
    """The rows by component, and the exit code."""
    done = subprocess.run([BROKER, "doctor", "--json", "--config", config], capture_output=True, text=True, timeout=60)
    return {row["component"]: row for row in json.loads(done.stdout)["checks"]}, done.returncode


def test_doctor_tells_a_broker_that_is_down_from_one_whose_files_are_wrong(config):
    rows, code = doctor(config)
    assert code == 1 and rows["Program"]["state"] == "FAIL" and "no broker answers" in rows["Program"]["details"], rows
    assert rows["Program"]["action"] and rows["TCP"]["state"] == "FAIL", rows
    assert [rows[c]["state"] for c in ("Config", "State")] == ["PASS", "PASS"] and rows["Disk"]["state"] != "SKIP", rows
    text = config.read_text()
    config.write_text(text + "nonsense: 1\n")
    rows, code = doctor(config)
    assert code == 1 and rows["Config"]["state"] == "FAIL" and "nonsense" in rows["Config"]["details"], rows
    assert rows["Program"]["state"] == rows["State"]["state"] == "SKIP", rows
    config.write_text(text.replace("state:", "state: /nonexistent #"))
    rows, code = doctor(config)
    assert code == 1 and rows["State"]["state"] == rows["Disk"]["state"] == "FAIL", rows


def test_a_broker_without_its_relay_is_not_ready_and_says_so(config):
    broker = subprocess.Popen([BROKER, "run", "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            done = health(config, "--verbose")
            if done.stdout:
                break
            time.sleep(0.1)
        assert done.returncode == 8 and "[-] relay: no relay is connected" in done.stdout, done
        assert "[+] store: ok" in done.stdout and done.stdout.endswith("not ready\n"), done
        answer = json.loads(health(config, "--json").stdout)
        assert answer["schema"] == "sallyport.broker.health/v1" and answer["ready"] is False, answer
    finally:
        broker.terminate()
        assert broker.wait(20) == 0
