"""DEP-2T: configure refuses private dependencies that would weaken Sallyport, and says what to do.

Each case is the real prefix with one thing changed; configure must stop with the words given and
name scripts/deps. The untouched prefix must pass, or the other cases would prove nothing.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
REAL = pathlib.Path(subprocess.run([TOP / "scripts/deps", "--prefix"], check=True,
                                   capture_output=True, text=True).stdout.strip())


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("configure") / "config.cache"


def prefix_copy(tmp_path):
    """The real prefix: the three headers that configure reads are copies, the rest links."""
    copy = tmp_path / "prefix"
    shutil.copytree(REAL, copy, copy_function=os.symlink)
    for header in ("include/wolfssl/options.h", "include/wolfssl/version.h", "include/lws_config.h",
                   "include/curl/curlver.h"):
        (copy / header).unlink()
        shutil.copy(REAL / header, copy / header)
    return copy


def configure(tmp_path, prefix, cache, *arguments):
    folder = tmp_path / "build"
    folder.mkdir()
    return subprocess.run([TOP / "configure", "-q", f"--cache-file={cache}", f"--with-deps={prefix}",
                           "--without-console", *arguments], cwd=folder, capture_output=True, text=True)


def test_the_real_prefix_is_accepted(tmp_path, cache):
    run = configure(tmp_path, prefix_copy(tmp_path), cache)
    assert run.returncode == 0, run.stderr


def define(header, name):
    def change(prefix):
        with open(prefix / header, "a") as f:
            f.write(f"#define {name}\n")
    return change


def replace(header, old, new):
    def change(prefix):
        text = (prefix / header).read_text()
        changed = re.sub(old, new, text, flags=re.M)
        assert changed != text, f"{header} has no {old}"
        (prefix / header).write_text(changed)
    return change


def remove(path):
    return lambda prefix: (prefix / path).unlink()


OPTIONS, LWS = "include/wolfssl/options.h", "include/lws_config.h"
CASES = {
    "trust_peer_cert": (define(OPTIONS, "WOLFSSL_TRUST_PEER_CERT"), "no configured authority signed"),
    "openssl_compatible_defaults": (define(OPTIONS, "OPENSSL_COMPATIBLE_DEFAULTS"), "no configured authority signed"),
    "static_rsa": (define(OPTIONS, "WOLFSSL_STATIC_RSA"), "without forward secrecy"),
    "raw_public_keys": (define(OPTIONS, "HAVE_RPK"), "raw public keys"),
    "early_data": (define(OPTIONS, "WOLFSSL_EARLY_DATA"), "can be replayed"),
    "post_handshake_auth": (define(OPTIONS, "WOLFSSL_POST_HANDSHAKE_AUTH"), "after the handshake"),
    "key_log": (define(OPTIONS, "WOLFSSL_SSLKEYLOGFILE"), "written to a file"),
    "no_exporter": (replace(OPTIONS, r"^#define HAVE_KEYING_MATERIAL$", ""), "does not define HAVE_KEYING_MATERIAL"),
    "no_alpn": (replace(OPTIONS, r"^#define HAVE_ALPN$", ""), "does not define HAVE_ALPN"),
    "no_hrr_cookie": (replace(OPTIONS, r"^#define WOLFSSL_SEND_HRR_COOKIE$", ""), "does not define WOLFSSL_SEND_HRR_COOKIE"),
    "old_wolfssl": (replace("include/wolfssl/version.h", r'(LIBWOLFSSL_VERSION_STRING) ".*"', r'\1 "5.7.0"'), "older than 5.7.2"),
    "lws_not_on_wolfssl": (replace(LWS, r"^#define USE_WOLFSSL$", ""), "not on wolfSSL"),
    "lws_with_http2": (define(LWS, "LWS_WITH_HTTP2"), "HTTP/2"),
    "old_lws": (replace(LWS, r"(LWS_LIBRARY_VERSION_PATCH) 5$", r"\1 4"), "older than 4.3.5"),
    "old_curl": (replace("include/curl/curlver.h", r'LIBCURL_VERSION ".*"', 'LIBCURL_VERSION "8.5.0"'), "older than 8.14.1"),
    "nothing_built": (remove("lib/libwolfssl.a"), "is missing"),
}


@pytest.mark.parametrize("name", CASES)
def test_DEP_2T_C_039_configure_refuses(name, tmp_path, cache):
    change, words = CASES[name]
    prefix = prefix_copy(tmp_path)
    change(prefix)
    run = configure(tmp_path, prefix, cache)
    assert run.returncode != 0, f"configure accepted {name}"
    assert words in run.stderr
    assert "scripts/deps" in run.stderr


def test_DEP_2T_fuzzing_without_libfuzzer_is_refused(tmp_path, cache):
    run = configure(tmp_path, prefix_copy(tmp_path), tmp_path / "gcc.cache", "--enable-fuzzing", "CC=gcc")
    assert run.returncode != 0
    assert "clang" in run.stderr
