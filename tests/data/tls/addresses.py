#!/usr/bin/env python3
"""Makes the certificates for literal addresses, by the CA that is here. Needs openssl.

ip         iPAddress 127.0.0.1 and ::1, nothing else     ip-other  iPAddress 127.0.0.2 and ::2
ip-as-dns  dNSName 127.0.0.1, no iPAddress               ip-as-cn  common name 127.0.0.1, no names at all
"""
import pathlib
import subprocess

here = pathlib.Path(__file__).parent
KINDS = {"ip": ("ip", "subjectAltName=IP:127.0.0.1,IP:::1"), "ip-other": ("127.0.0.1", "subjectAltName=IP:127.0.0.2,IP:::2"),
         "ip-as-dns": ("127.0.0.1", "subjectAltName=DNS:127.0.0.1,DNS:localhost"), "ip-as-cn": ("127.0.0.1", "")}

for stem, (common, names) in KINDS.items():
    run = lambda *a, **k: subprocess.run(["openssl", *a], cwd=here, check=True, capture_output=True, **k)
    request = run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{stem}.key", "-subj", f"/CN={common}").stdout
    (here / "ext").write_text(f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n{names}\n")
    (here / "csr").write_bytes(request)
    run("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "36500", "-out", f"{stem}.pem", "-extfile", "ext")
    for left in ("ext", "csr", "ca.srl"):
        (here / left).unlink(missing_ok=True)
