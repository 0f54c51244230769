"""The container of connector and relay: its file system is made here by the recipe's own script, and the program started in it.

As the recipe says: no rights, a read-only root, a state folder that is a volume. No podman is needed; the image is the same files."""

import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-release"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a root folder of its own needs root")


class Container:
    def __init__(self, part, root):
        self.name, self.root = f"sallyport-{part}", root
        done = subprocess.run([TOP / "packaging/container/rootfs", part, BUILD / part / self.name, root], capture_output=True, text=True)
        assert done.returncode == 0, done

    def run(self, *arguments, bare=False):
        """Like the recipe's run line: mounts of its own, the root read-only but for the state, a user without rights,
        no new privilege, the devices that every runtime brings."""
        devices = f"rm -f {self.root}/dev/* && " if bare else "".join(f"touch {self.root}/dev/{d} && mount --bind /dev/{d} {self.root}/dev/{d} && " for d in ("null", "urandom"))
        script = (f"mount --bind {self.root} {self.root} && {devices} mount -o remount,bind,ro {self.root} && "
                  f"mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs {self.root}/var/lib/{self.name} && "
                  f"exec timeout 2 setpriv --no-new-privs --inh-caps=-all chroot --userspec=65532:65532 {self.root} /usr/bin/{self.name} \"$@\"")
        return subprocess.run(["unshare", "--mount", "--net", "bash", "-c", script, "run", *map(str, arguments)], capture_output=True, text=True,
                              timeout=30)


@pytest.fixture(params=["connector", "relay"])
def container(request, tmp_path):
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder not in (pathlib.Path("/"), pathlib.Path("/tmp")):
            folder.chmod(0o755)
    return Container(request.param, tmp_path / "root")


def test_it_holds_the_program_and_nothing_that_could_run_beside_it(container):
    programs = [p.relative_to(container.root) for p in container.root.rglob("*")
                if p.is_file() and p.stat().st_mode & 0o111 and ".so" not in p.name and "ld-linux" not in p.name]
    assert [str(p) for p in programs] == [f"usr/bin/{container.name}"]
    size = sum(p.stat().st_size for p in container.root.rglob("*") if p.is_file() and not p.is_symlink())
    assert size < 40 << 20, size
    assert (container.root / "etc/passwd").read_text().count("\n") == 2
    state = (container.root / "var/lib" / container.name).stat()
    assert (state.st_uid, state.st_mode & 0o777) == (65532, 0o700)


def test_the_program_starts_in_it_without_rights(container):
    done = container.run("version")
    assert done.returncode == 0 and done.stdout.startswith(f"{container.name} "), done
    done = container.run("help", "exit-codes")
    assert done.returncode == 0 and "denied by policy" in done.stdout, done


def test_without_enrolment_it_says_what_to_do_and_health_is_8(container):
    config = container.root / "etc/sallyport" / f"{container.name.split('-')[1]}.yaml"
    config.write_text(f"state: /var/lib/{container.name}\n" + ("floor: /etc/sallyport/floor\n" if "connector" in container.name else
                                                                "listen: 127.0.0.1:8443\naddresses: [\"relay.example:8443\"]\n"))
    (container.root / "etc/sallyport/floor").write_text("# nothing\n")
    done = container.run("run")
    if container.name == "sallyport-connector":
        assert done.returncode == 4 and "enrol" in done.stderr, done
    else:  # a relay may get it from the broker of its machine: it stands and waits
        assert done.returncode == 124 and '"level":"error"' not in done.stderr, done
    done = container.run("run", bare=True)
    assert done.returncode in (1, 4), f"without devices it says so and does not crash: {done}"
    assert container.run("health").returncode == 8
