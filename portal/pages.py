"""How a page is made: a template, filled in, in the visitor's language.

Comes in: the parts and a request. Goes out: HTML. Everything that is filled in is escaped; nothing in here marks text as safe.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from portal.parts import Parts

if TYPE_CHECKING:
    from starlette.requests import Request

    from portal.wording import Words
    from vault import PortalSession

LANGUAGE_COOKIE: Final = "shiftcal-language"
_KINDS: Final = {
    "portal.css": "text/css",
    "operators.css": "text/css",
    "portal.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_JINJA: Final = Environment(
    loader=PackageLoader("portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def parts_of(request: Request) -> Parts:
    """The parts of the application that serves this request."""
    parts: Parts = request.app.state.parts
    return parts


def words_of(request: Request) -> Words:
    """The words in the language that this visitor wants."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return parts_of(request).texts.preferred(chosen, request.headers.get("Accept-Language", ""))


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    """Return a page. A language that was asked for in the address is remembered."""
    parts, words = parts_of(request), words_of(request)
    response = HTMLResponse(render(parts, words, template, **values), status)
    if request.query_params.get("lang") == words.language:
        response.set_cookie(
            LANGUAGE_COOKIE, words.language, max_age=365 * 24 * 3600, path=f"{parts.public.path}/",
            secure=parts.public.https, httponly=True, samesite="lax",
        )  # fmt: skip
    return response


def render(parts: Parts, words: Words, template: str, **values: Any) -> str:
    """Return a template, filled in."""
    session = values.get("session")
    return _JINJA.get_template(template).render(
        words=words,
        languages=parts.texts,
        base=parts.public.path,
        asset=lambda name: f"{parts.public.path}/static/{name}?{_digest(name)}",
        privacy_url=parts.settings.privacy_url,
        terms_url=parts.settings.terms_url,
        agency=None if session is None else agency_of(session),
        **({"session": None} | values),
    )


def refusal(
    request: Request, status: int, text: str, *, title: str = "error.title", hint: str = ""
) -> Response:
    """Return a page that says what was wrong and what to do."""
    words = words_of(request)
    return page(request, "message.html", status, title=words(title), text=text, hint=hint)


def agency_of(session: PortalSession) -> str:
    """The agency's name, as its application told it; its id where it told none."""
    return session.pending.get("agency_name", session.agency_id)


async def static(request: Request) -> Response:
    """One of our own files. Its address changes with its content, so a browser may keep it."""
    name = request.path_params["name"]
    if name not in _KINDS:
        return refusal(request, 404, words_of(request)("error.not_found"))
    return Response(
        _content(name),
        media_type=_KINDS[name],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@cache
def _content(name: str) -> bytes:
    return resources.files("portal").joinpath("static", name).read_bytes()


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:12]
