#!/usr/bin/env python3
"""kin ADDRESS PORT: three applications of our own with the flaws of well-known ones, at PORT and the two after it.

tests/e2e/test_vulnerable_kin.py exploits each flaw first without and then through the gateway."""

import sys
import threading

import crapi
import juice
import served
import vampi

APPS = (vampi.Vampi, crapi.Crapi, juice.Juice)

if __name__ == "__main__":
    servers = [served.Server((sys.argv[1], int(sys.argv[2]) + i), app) for i, app in enumerate(APPS)]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
