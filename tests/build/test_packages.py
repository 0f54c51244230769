"""The Debian packages of this build: lintian is silent, each holds what it should, runs unpacked, and its unit is a cage.

Packed from the programs that are built already (packaging/build --built); tests/packaging/run compiles them from a clean tree
and installs them into a clean Debian."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-release"))
UNITS = sorted((TOP / "packaging" / "systemd").glob("sallyport-*.service"))
DAEMONS = ("broker", "relay", "connector")


def run(*arguments, **more):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120, **more)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    if not shutil.which("dh"):
        pytest.skip("debhelper is not installed")
    out = tmp_path_factory.mktemp("packages")
    done = run(TOP / "packaging" / "build", "--built", BUILD, out)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {p.name.split("_")[0]: p for p in out.glob("*.deb")}
    assert set(found) == {"sallyport", *(f"sallyport-{d}" for d in DAEMONS)}
    return found


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    for package in packages.values():
        assert run("dpkg-deb", "-x", package, root).returncode == 0
    return root


def test_lintian_is_silent(packages):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    done = run("lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning,info", *packages.values())
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout + done.stderr


def test_each_program_runs_unpacked_and_has_its_page_and_completion(unpacked):
    for program, section in (("sallyport", 1), ("sallyport-admin", 1), *((f"sallyport-{d}", 8) for d in DAEMONS)):
        done = run(unpacked / "usr" / "bin" / program, "version")
        assert done.returncode == 0 and done.stdout.startswith(f"{program} "), done
        assert (unpacked / f"usr/share/man/man{section}/{program}.{section}.gz").exists()
        for path in (f"bash-completion/completions/{program}.bash", f"zsh/vendor-completions/_{program}", f"fish/vendor_completions.d/{program}.fish"):
            assert (unpacked / "usr/share" / path).stat().st_size > 200, path
        needed = run("objdump", "-p", unpacked / "usr" / "bin" / program).stdout
        assert not re.search(r"NEEDED +lib(ssl|crypto|gnutls|wolfssl)", needed), needed


def test_users_and_folders_are_made_by_the_package_alone(unpacked):
    if not shutil.which("systemd-sysusers"):
        pytest.skip("systemd-sysusers is not installed")
    (unpacked / "etc").mkdir(exist_ok=True)
    for tool in ("systemd-sysusers", "systemd-tmpfiles --create"):
        folder = "sysusers.d" if "sysusers" in tool else "tmpfiles.d"
        names = [p.name for p in (unpacked / "usr/lib" / folder).iterdir()]
        assert sorted(names) == ["sallyport-broker.conf", "sallyport-relay.conf"]
        if os.geteuid() != 0 and "tmpfiles" in tool:
            continue  # folders of another user
        done = run(*tool.split(), f"--root={unpacked}", *names)
        assert done.returncode == 0, done
    passwd, group = (unpacked / "etc/passwd").read_text(), (unpacked / "etc/group").read_text()
    for user in ("sallyport-broker", "sallyport-relay"):
        assert re.search(rf"^{user}:[^:]*:\d+:\d+:[^:]*:/var/lib/{user}:/usr/sbin/nologin$", passwd, re.M), passwd
        assert re.search(rf"^sallyport-front:[^:]*:\d+:.*{user}", group, re.M), group
        if os.geteuid() == 0:
            assert (unpacked / "var/lib" / user).stat().st_mode & 0o777 == 0o700


def test_what_an_administrator_edits_is_a_conffile_and_the_floor_allows_nothing(packages, unpacked):
    done = run("dpkg-deb", "-I", packages["sallyport-connector"], "conffiles")
    assert done.stdout.split() == ["/etc/sallyport/floor"], done
    done = run(unpacked / "usr/bin/sallyport-connector", "floor", "check", unpacked / "etc/sallyport/floor")
    assert done.returncode == 0, done
    assert not re.search(r"^[^#\s]", (unpacked / "etc/sallyport/floor").read_text(), re.M)


@pytest.mark.parametrize("unit", [u for u in UNITS if u.stem.split("-")[1] in DAEMONS], ids=lambda u: u.stem)
def test_HRD_13_the_unit_is_a_cage(unit):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit)  # 2.0
    figure = float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1])
    assert done.returncode == 0 and 0 < figure <= 2.0, done.stdout
    words = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#"))
    for word, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("ProtectHome", "yes"), ("PrivateTmp", "yes"),
                        ("PrivateDevices", "yes"), ("ProtectProc", "invisible"), ("ProcSubset", "pid"), ("MemoryDenyWriteExecute", "yes"),
                        ("SystemCallArchitectures", "native"), ("RestrictNamespaces", "yes"), ("UMask", "0077"), ("LimitCORE", "0"),
                        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX")):
        assert words.get(word) == value, (word, words.get(word))
    for word in ("MemoryMax", "TasksMax", "LimitNOFILE", "WatchdogSec"):
        assert words.get(word), word
    assert words["CapabilityBoundingSet"] in ("", "CAP_NET_BIND_SERVICE")


def test_the_units_have_no_mistake(unpacked):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        text = unit.read_text().replace("/usr/bin/sallyport", f"{unpacked}/usr/bin/sallyport")
        copy = unpacked / unit.name
        copy.write_text(text)
        mode = ["--user"] if "agent" in unit.name or "tray" in unit.name else []
        done = run("systemd-analyze", *mode, "--man=no", "verify", copy, env={**os.environ, "XDG_RUNTIME_DIR": str(unpacked)})
        mine = [line for line in done.stderr.splitlines() if unit.name in line]
        assert not mine, done.stderr
