"""wire: connections of a person's own program to an app's local address, byte for byte."""

import hashlib
import socket
import time

from . import fieldapp


def dial(world, user, app):
    """A connection of the client machine to the app's local address, as that user."""
    address, port = user.address_of(app)
    return world.client.run_as(user.uid, socket.create_connection, (address, port), 30)


def read_all(connection):
    parts = []
    while data := connection.recv(262144):
        parts.append(data)
    return b"".join(parts)


def stream_hash(size):
    total, left = hashlib.sha256(), size
    while left:
        part = fieldapp.BLOCK[:left]
        total.update(part)
        left -= len(part)
    return total.hexdigest()


def p99(connection, seconds=None, until=None):
    """Round trips of one byte through somebody's session, in ms: the 99th of 100."""
    took, end = [], time.monotonic() + (seconds or 600)
    while time.monotonic() < end and not (until and until.done()):
        began = time.monotonic()
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.005)
    took.sort()
    return took[int(len(took) * 0.99)]
