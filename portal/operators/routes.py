"""The operators' addresses.

In: nothing. Out: routes, each for the role `operator` alone. What changes something is a `POST` that is asked for on a page
before; ids stand in the query, where no browser takes a `..` for a way up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from portal import entry
from portal.guard import shown, taken
from portal.operators import letters, overview, people, removals
from portal.operators.pages import HOME

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from portal.guard import Handler


def routes() -> list[BaseRoute]:
    """Every page and form of the operators."""
    return [
        _page("", overview.home),
        _page("/users", people.list_),
        _page("/user", people.one),
        _page("/lag", overview.lags),
        _page("/held", removals.list_),
        _page("/release", removals.ask),
        _page("/letters", letters.list_),
        _page("/letter", letters.one),
        _page("/redrive", letters.ask),
        _page("/audit", overview.audit),
        _form("/release", removals.release),
        _form("/redrive", letters.redrive),
        _form("/leave", entry.leave),
    ]


def _page(path: str, handler: Handler) -> Route:
    return Route(f"{HOME}{path}", shown(handler, "operator"), methods=["GET"])


def _form(path: str, handler: Handler) -> Route:
    return Route(f"{HOME}{path}", taken(handler, "operator"), methods=["POST"])
