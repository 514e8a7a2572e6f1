"""Headers that every answer carries, whatever made it.

Comes in: an ASGI application. Goes out: the same, with a policy that lets nothing run but our own files, and bodies of
requests kept short. Not here: what pages say.

`Referrer-Policy: no-referrer` makes browsers send ``Origin: null`` with our own forms (https://fetch.spec.whatwg.org/#origin-header);
`guard` knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_YEAR_S: Final = 365 * 24 * 3600


def policy(google: str, ancestors: Sequence[str]) -> str:
    """Return the Content-Security-Policy. `google`: the origin of the consent page; a form that leads there by a
    redirect needs leave (https://www.w3.org/TR/CSP3/#form-action-pre-navigate).
    """
    framed = " ".join(ancestors) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {google}",
            "base-uri 'none'",
            f"frame-ancestors {framed}",
        )
    )


class Headers:
    """The middleware."""

    def __init__(self, app: ASGIApp, google: str, ancestors: Sequence[str], *, https: bool) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy(google, ancestors),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }
        if not ancestors:
            self._headers["X-Frame-Options"] = "DENY"
        if https:
            self._headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                # Pages are a person's; only the files say otherwise themselves.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
