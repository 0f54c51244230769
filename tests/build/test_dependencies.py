"""What the private dependencies are and are not, as they stand in the prefix that everything is linked with."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PREFIX = pathlib.Path(subprocess.run([TOP / "scripts/deps", "--prefix"], check=True, capture_output=True, text=True).stdout.strip())
DEPS = (TOP / "scripts/deps").read_text()
BUILT = (PREFIX / ".complete").read_text().split()


def defines(header):
    """name -> value of what a header of the prefix defines."""
    return dict(re.findall(r"^#define (\w+)[ \t]*(.*)$", (PREFIX / header).read_text(), re.M))


def at_least(version, least):
    return subprocess.run(["dpkg", "--compare-versions", version, "ge", least]).returncode == 0


def test_DEP_1_libwebsockets_carries_debian_s_security_patches():
    assert "libwebsockets_4.3.5.orig" in BUILT
    patches = next(name for name in BUILT if name.startswith("libwebsockets_4.3.5-") and name.endswith(".debian"))
    assert at_least(patches.split("_")[1].removesuffix(".debian"), "4.3.5-1+deb13u3")
    # every patch with a CVE's number is applied, and one that does not apply ends the build
    assert "grep -E '^CVE-'" in DEPS and 'fail "$1: $patch does not apply"' in DEPS


@pytest.mark.parametrize("name", ["LWS_WITH_HTTP2", "LWS_WITH_SYS_ASYNC_DNS", "LWS_WITH_ZLIB", "LWS_WITH_LEJP", "LWS_WITH_CBOR",
                                  "LWS_ROLE_MQTT", "LWS_ROLE_DBUS", "LWS_ROLE_RAW_PROXY", "LWS_WITH_HTTP_PROXY", "LWS_WITH_CGI",
                                  "LWS_WITH_SOCKS5", "LWS_WITH_SECURE_STREAMS", "LWS_WITH_PLUGINS"])
def test_DEP_1_libwebsockets_is_built_without(name):
    assert name not in defines("include/lws_config.h")


def test_DEP_1_libwebsockets_has_no_extensions():
    assert "LWS_WITHOUT_EXTENSIONS" in defines("include/lws_config.h")


def test_DEP_2_wolfssl_is_new_enough_or_carries_debian_s_patches():
    version = defines("include/wolfssl/version.h")["LIBWOLFSSL_VERSION_STRING"].strip('"')
    if version == "5.7.2":
        patches = next(name for name in BUILT if name.startswith("wolfssl_5.7.2-") and name.endswith(".debian"))
        assert at_least(patches.split("_")[1].removesuffix(".debian"), "5.7.2-0.1+deb13u2")
    else:
        assert at_least(version, "5.9.2"), "CVE-2026-11999 is in 5.7.4 to 5.9.1"


@pytest.mark.parametrize("name", ["HAVE_CRL", "WOLFSSL_POST_HANDSHAKE_AUTH", "WOLFSSL_EARLY_DATA", "HAVE_RPK", "WOLFSSL_TRUST_PEER_CERT",
                                  "OPENSSL_COMPATIBLE_DEFAULTS", "OPENSSL_ALL", "WOLFSSL_STATIC_RSA", "WOLFSSL_ALLOW_SSLV3",
                                  "WOLFSSL_ALLOW_TLSV10", "HAVE_SECURE_RENEGOTIATION", "HAVE_RENEGOTIATION_INDICATION", "HAVE_LIBZ",
                                  "WOLFSSL_SSLKEYLOGFILE"])
def test_DEP_2_wolfssl_is_built_without(name):
    assert name not in defines("include/wolfssl/options.h")


def test_DEP_2_no_build_line_asks_for_all_of_wolfssl():
    line = re.search(r"run wolfssl \./configure.*?\n +CPPFLAGS", DEPS, re.S)[0]
    for wide in ("--enable-all", "--enable-distro", "--enable-nginx", "--enable-haproxy", "--enable-stunnel", "--enable-crl",
                 "--enable-postauth", "--enable-earlydata", "--enable-opensslall"):
        assert wide not in line


# ---- our own build lines ----

WARNINGS = ("-Wall", "-Wextra", "-Wformat=2", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wvla", "-Wimplicit-fallthrough",
            "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror")
FAULTS = {"-Wconversion": "short f(int x); short f(int x) { return x; }",
          "-Wsign-conversion": "unsigned f(int x); unsigned f(int x) { return x; }",
          "-Wshadow": "int f(int x); int f(int x) { { int x = 1; (void)x; } return x; }",
          "-Wvla": "int f(int n); int f(int n) { int a[n]; a[0] = 1; return a[0]; }",
          "-Wimplicit-fallthrough": "int f(int x); int f(int x) { switch (x) { case 1: x++; case 2: x--; } return x; }",
          "-Wmissing-prototypes": "int f(void) { return 1; }",
          "-Wformat=2": "#include <stdio.h>\nvoid f(const char *s); void f(const char *s) { printf(s); }"}


def warn_flags():
    return re.search(r'^WARN_CFLAGS="(.*)"$', (TOP / "configure.ac").read_text(), re.M)[1].split()


def test_HRD_2_the_warnings_are_the_ones_that_we_want():
    assert set(WARNINGS) <= set(warn_flags())


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flag", FAULTS)
def test_HRD_2_each_is_an_error_on_both_compilers(compiler, flag):
    compile_it = lambda text: subprocess.run([compiler, *warn_flags(), "-O1", "-x", "c", "-", "-c", "-o", "/dev/null"], input=text,
                                             capture_output=True, text=True)
    assert compile_it("int f(void); int f(void) { return 1; }").returncode == 0
    assert compile_it(FAULTS[flag]).returncode != 0


def test_HRD_18_the_test_command_runs_units_fuzzers_and_the_whole_path_under_sanitizers():
    text = (TOP / "scripts/test").read_text()
    assert re.search(r"groups=\(unit .*sanitized .*fuzz .*e2e\+lint", text)
    for name in ("sanitized", "fuzz", "e2e"):
        part = re.search(rf"^    {name}\).*?;;$", text, re.M | re.S)[0]
        assert "need $sanitized --enable-fuzzing" in part and "$sanitized" in part.split("need $sanitized")[1]
    assert "detect_leaks=1" in text and "abort_on_error=1" in text
    configure = (TOP / "configure.ac").read_text()
    assert "-fsanitize=address,undefined" in configure and "-fno-sanitize-recover=undefined" in configure


def test_HRD_18_every_unit_test_and_the_path_run_under_the_thread_sanitizer_and_nothing_of_ours_is_excused():
    assert "tests/threads/run ;;" in (TOP / "tests/long").read_text()
    run = (TOP / "tests/threads/run").read_text()
    assert "--enable-sanitizers=thread" in run and "-name 'test_*'" in run and "test_path.py" in run and "exitcode=66" in run
    assert "-fsanitize=thread" in (TOP / "configure.ac").read_text()
    excused = [line for line in (TOP / "tests/threads/suppressions.txt").read_text().splitlines() if line and not line.startswith("#")]
    ours = "|".join(sorted(f.stem for room in ("lib", "broker", "relay", "connector", "client") for f in (TOP / room).rglob("*.c")))
    assert not [line for line in excused if re.search(rf":({ours})(\.c)?$", line)]


# ---- the bench of the tests ----

SAID = re.compile(r"skip\(\s*\)|pytest\.skip\(\s*\)|reason=(\"\"|'')|t\.skip\(\s*\)")


def test_DEP_5_no_test_is_skipped_without_a_word():
    """pytest prints reasons (-rfE and s), cmocka's skip() needs a print_message right before it."""
    silent = []
    for path in [*TOP.glob("tests/**/*.py"), *TOP.glob("tests/**/*.c"), *TOP.glob("web/test/**/*.mjs")]:
        if path == pathlib.Path(__file__) or "node_modules" in path.parts:
            continue
        lines = path.read_text(errors="replace").splitlines()
        for n, line in enumerate(lines):
            if SAID.search(line) and "print_message" not in "".join(lines[max(0, n - 4):n]):
                silent.append(f"{path.relative_to(TOP)}:{n + 1}: {line.strip()}")
    assert not silent, "\n".join(silent)


def test_DEP_5_the_test_command_says_what_was_skipped():
    text = (TOP / "scripts/test").read_text()
    assert "-rfEs" in text and "SKIP" in text
