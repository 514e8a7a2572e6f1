"""What every page of the operators has in common, and questions to Kafka that must not keep a page from coming up.

In: a visit. Out: HTML with the way back to the operators' page; an answer of Kafka, or a line that says why there is none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from portal.pages import page
from schemas.base import Id
from schemas.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.responses import Response

    from portal.guard import Visit

T = TypeVar("T")
log = logging.getLogger(__name__)

HOME: Final = "/operators"
#: A person waits no longer.
PATIENCE_S: Final = 10.0
_ID: TypeAdapter[str] = TypeAdapter(Id)


class Asked(NamedTuple, Generic[T]):
    """An answer, or the line that says why there is none."""

    answer: T | None
    trouble: str | None = None


async def ask(question: Coroutine[Any, Any, T]) -> Asked[T]:
    """Ask Kafka, for as long as a person waits."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return Asked(await question)
    except OperatorError as error:
        return Asked(None, str(error))
    except TimeoutError:
        return Asked(None, f"Kafka does not answer within {PATIENCE_S:g} seconds")


async def show(visit: Visit, template: str, status: int = 200, /, **values: Any) -> Response:
    """Return a page. What was done on the page before is said once."""
    done = visit.session.pending.get("done")
    if done is not None:
        await visit.keep(done=None)
    return page(
        visit.request,
        f"operators/{template}",
        status,
        session=visit.session,
        home=HOME,
        here=template.removesuffix(".html"),
        now=visit.parts.clock(),
        done=None if done is None else orjson.loads(done),
        **values,
    )


async def nothing(visit: Visit, key: str, status: int = 404, /, **values: object) -> Response:
    """Return a page that says what is not there, or not possible."""
    return await show(visit, "nothing.html", status, text=visit.words(f"operators.{key}", **values))


def id_of(visit: Visit, name: str) -> str | None:
    """An id out of the address or the form; None where there is none, or what is no id."""
    given = visit.form.get(name) or visit.request.query_params.get(name, "")
    return given if is_id(given) else None


def is_id(text: str) -> bool:
    """Whether this may be an id."""
    try:
        _ID.validate_python(text)
    except ValidationError:
        return False
    return True
