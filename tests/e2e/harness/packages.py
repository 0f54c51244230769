"""packages: what tests take from npm, by the lock file of tests/interop/node, once into the cache."""

import os
import pathlib
import shutil
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sallyport"
LOCKED = pathlib.Path(__file__).resolve().parents[2] / "interop" / "node"


def node():
    """The folder that has node_modules. Raises where it can't be had."""
    home = CACHE / "interop-node"
    if not (home / "node_modules" / "oidc-provider").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LOCKED / name, home / name)
        subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True, timeout=180)
    return home
