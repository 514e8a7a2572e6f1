"""Requests that no client sends, over a socket of our own.

In: a port of this machine, dice, how many. Out: nothing; connections are ended in every way there is.
"""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress

from tests.fuzz.spoil import bytes_spoiled

_HEAD = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SEEDS = [
    *(b"GET " + path + _HEAD + b"\r\n" for path in (b"/live", b"/ready", b"/metrics", b"/table/users", b"/../../x", b"*")),
    b"GET http://other/live" + _HEAD + b"Connection: close\r\n\r\n",
    b"GET /live HTTP/1.0\r\n\r\n",
    b"HEAD /metrics?a=%ff%00&a=1" + _HEAD + b"Accept-Encoding: gzip, br\r\nRange: bytes=0-1\r\n\r\n",
    b"POST /live" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx\r\n0\r\n\r\n",
    b"POST /ready" + _HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
    b"PUT /live" + _HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET /live" + _HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET /live" + _HEAD + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 20_000 + _HEAD + b"\r\n",
    b"GET /live" + _HEAD + b"\r\nGET /ready" + _HEAD + b"\r\nGET /metrics" + _HEAD + b"\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]  # fmt: skip


def throw(port: int, dice: random.Random, count: int) -> None:
    """Open so many connections, some of which stay open until the end."""
    idle: list[socket.socket] = []
    try:
        for number in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5)
            if number % 20 == 0:
                idle.append(connection)
                connection.sendall(dice.choice(SEEDS)[: dice.randrange(12)])
                continue
            with connection:
                _one(connection, dice)
    finally:
        for connection in idle:
            connection.close()


def _one(connection: socket.socket, dice: random.Random) -> None:
    """Send, perhaps listen for a moment, and hang up politely or not; the other side may do so first."""
    with suppress(ConnectionError, TimeoutError):
        connection.sendall(bytes_spoiled(dice, SEEDS) if dice.random() < 0.8 else dice.choice(SEEDS))
        if dice.random() < 0.3:
            connection.shutdown(socket.SHUT_WR)
        if dice.random() < 0.5:
            connection.settimeout(0.02)
            connection.recv(4_096)
    if dice.random() < 0.3:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
