"""wire: connections of a person's own program to an app's local address, byte for byte."""

import hashlib
import socket

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
