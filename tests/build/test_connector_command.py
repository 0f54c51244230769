"""The connector as a command: exit codes and the sentence that a person reads (ECOSYSTEM's table)."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-release")) / "connector" / "sallyport-connector"


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=20)


@pytest.fixture
def file(tmp_path):
    def write(name, text, mode=0o600):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path
    return write


def test_a_good_floor_is_ok(file):
    done = run("floor", "check", file("floor", "allow 198.18.0.2:22\nmax-deadline 12h\n"))
    assert done.returncode == 0 and done.stdout.startswith("ok"), done


@pytest.mark.parametrize("text", ["allow everything\n", "permit 198.18.0.2:22\n", "allow 198.18.0.2:99999\n", "max-deadline soon\n"])
def test_a_bad_floor_is_named_with_its_line_and_ends_with_2(file, text):
    path = file("floor", "allow 198.18.0.2:22\n" + text)
    done = run("floor", "check", path)
    assert done.returncode == 2, done
    assert f"{path}:2" in done.stderr, done


def test_an_unknown_setting_is_named_with_line_and_column(file):
    path = file("connector.yaml", "nonsense: 1\n")
    done = run("run", "--config", path)
    assert done.returncode == 2 and f"{path}:1:1: nonsense" in done.stderr, done


def test_running_without_enrolment_ends_with_4_and_says_what_to_do(file, tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    done = run("run", "--config", file("connector.yaml", f"state: {state}\nfloor: {file('floor', 'allow 198.18.0.2:22')}\n"))
    assert done.returncode == 4 and "sallyport-connector enrol" in done.stderr, done


def test_a_token_that_is_no_enrolment_line_is_refused_and_leaves_only_the_private_key(file, tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    done = run("enrol", "--token-file", file("token", "garbage"), "--state", state)
    assert done.returncode == 2 and "not enrolled" in done.stderr, done
    assert [(f.name, f.stat().st_mode & 0o777) for f in state.iterdir()] == [("key", 0o600)]


@pytest.mark.parametrize("library", ["libssl", "libcrypto", "libgnutls"])
def test_one_tls_library_only(library):
    assert library not in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
