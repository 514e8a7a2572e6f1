"""The host application as far as the portal speaks to it: an HTTP server that takes notices, and checks their signatures.

In: nothing. Out: `Host` with its address, its key, and what was told. It refuses the first notice, so that every one comes twice.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.e2e.messages import Json

KEY = "a secret that host and portal share"


class Host:
    """Serves while the block runs."""

    def __init__(self) -> None:
        self.told: dict[str, Json] = {}
        self.requests = 0
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(host.take(dict(self.headers), body))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Take a notice, or not; the status of the answer."""
        self.requests += 1
        stamp = headers["Shiftcal-Timestamp"]
        good = hmac.new(KEY.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if headers["Shiftcal-Signature"] != f"v1={good}" or abs(time.time() - int(stamp)) > 60:
            return 401
        if self.requests == 1:
            return 503
        self.told[headers["Idempotency-Key"]] = json.loads(body)
        return 204
