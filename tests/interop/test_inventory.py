"""GW-40, GW-44: the GitHub API, as its published document describes it, against the inventory and a validator of others."""

import pathlib
import subprocess
import sys

import pytest

from conftest import BUILD, HERE
from providers import CACHE

VALIDATOR = "openapi-spec-validator==0.9.0"


@pytest.fixture(scope="module")
def python():
    """An interpreter of its own that has the validator; cached between runs."""
    home = CACHE / "openapi-validator"
    program = home / "bin" / "python3"
    done = home / "installed"
    try:
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=120)
            subprocess.run([str(program), "-m", "pip", "install", "--quiet", VALIDATOR], check=True, timeout=180)
            done.write_text(VALIDATOR + "\n")
    except (OSError, subprocess.SubprocessError) as e:
        pytest.skip(f"{VALIDATOR} can't be installed: {e}")
    return str(program)


def test_GW_40_GW_44_the_github_api_is_learned_and_its_draft_is_valid(python):
    script = HERE.parent / "gateway" / "inventory_github.py"
    replay = pathlib.Path(BUILD) / "tests" / "gateway" / "replay_calls"
    done = subprocess.run([python, str(script), str(replay), str(CACHE / "github-api")],
                          capture_output=True, text=True, timeout=400, env={"SP_TEST_STRICT": "1", "PATH": "/usr/local/bin:/usr/bin:/bin"})
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok GW-4") == 3, done.stdout
