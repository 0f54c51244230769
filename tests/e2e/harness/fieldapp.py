"""fieldapp: a private application with one port for each habit of TCP that a tunnel can get wrong.

    python3 fieldapp.py ADDRESS      serves until it is ended

    7001  echo        every byte comes back; after the client's FIN comes "|" + sha256 of all, then FIN
    7002  server ends says "hello", sends FIN at once, then reads to the end and keeps the sha256
    7003  source      the line "N\\n" gives N bytes of a known stream
    7004  sink        reads to FIN, answers "N sha256\\n"
    7005  websocket   RFC 6455 echo of text and binary messages
    7006  reset       reads one byte, then resets the connection
    7007  kept        "LAST\\n" gives the sha256 that 7002 kept last
    7008  who         answers "PID connections\\n": how many connections were ever made to any port
    7009  ended       answers "fin\\n" or "reset\\n": how the client's side of 7001 ended last; "open\\n" while one is
"""

import asyncio
import base64
import hashlib
import os
import socket
import struct
import sys

BLOCK = hashlib.shake_256(b"sallyport").digest(1 << 20)
made = 0
kept = "nothing"
ended = "nothing"


def counted(handler):
    async def run(reader, writer):
        global made
        made += 1
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
    return run


async def echo(reader, writer):
    global ended
    total, spoke = hashlib.sha256(), False
    try:
        while data := await reader.read(65536):
            ended, spoke = "open", True
            total.update(data)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        ended = "reset" if spoke else ended
        raise
    ended = "fin" if spoke else ended  # a health probe says nothing
    writer.write(b"|" + total.hexdigest().encode())
    await writer.drain()
    writer.write_eof()


async def server_ends(reader, writer):
    global kept
    writer.write(b"hello")
    writer.write_eof()
    total = hashlib.sha256()
    while data := await reader.read(65536):
        total.update(data)
    kept = total.hexdigest()


async def source(reader, writer):
    left = int(await reader.readline())
    while left:
        part = BLOCK[:left]
        writer.write(part)
        await writer.drain()
        left -= len(part)
    writer.write_eof()
    await reader.read()


async def sink(reader, writer):
    total, size = hashlib.sha256(), 0
    while data := await reader.read(262144):
        total.update(data)
        size += len(data)
    writer.write(f"{size} {total.hexdigest()}\n".encode())
    await writer.drain()
    writer.write_eof()


async def websocket(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(":", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    while True:
        first, second = await reader.readexactly(2)
        size = second & 127
        if size == 126:
            size, = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            size, = struct.unpack(">Q", await reader.readexactly(8))
        mask = await reader.readexactly(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
        length = bytes([size]) if size < 126 else struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size)
        writer.write(bytes([first]) + length + data)
        await writer.drain()
        if first & 15 == 8:
            return


async def reset(reader, writer):
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def last(reader, writer):
    await reader.readline()
    writer.write(f"{kept}\n".encode())
    await writer.drain()


async def who(reader, writer):
    writer.write(f"{os.getpid()} {made}\n".encode())
    await writer.drain()


async def how_it_ended(reader, writer):
    writer.write(f"{ended}\n".encode())
    await writer.drain()


PORTS = {7001: echo, 7002: server_ends, 7003: source, 7004: sink, 7005: websocket, 7006: reset, 7007: last, 7008: who, 7009: how_it_ended}


async def main():
    servers = [await asyncio.start_server(counted(handler), sys.argv[1], port) for port, handler in PORTS.items()]
    print("ready", flush=True)
    await asyncio.gather(*(s.serve_forever() for s in servers))


if __name__ == "__main__":
    asyncio.run(main())
