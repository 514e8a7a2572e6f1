"""A self-test of a fresh connection: a probe event is written, read back and removed.

Comes in: a `CalendarPort`, a grant, a Google calendar. Goes out: what was found, worst first. Not here: words for people.

The probe can be taken for nothing else: its id begins with ``bgt`` where a shift's begins with ``bgs``, it names no agency,
lies half a lifetime back and reminds nobody. It is removed whatever happens in between.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b32hexencode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from schemas.answers import Changed, Denied, Done, Held, Missing
from schemas.errors import CalendarGone, GoogleForNow, GrantLost, NotAdmitted
from schemas.mutations import Get, Insert, Remove

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcal.port import CalendarPort, Grant
    from schemas.mutations import EventBody

#: `scope`, `grant`, `calendar`, `refused`: events cannot be written. `operator`: nobody's can. `lost`: what was written
#: was not there afterwards. The others do not keep a calendar from being synced: `account`: it belongs to another
#: address; `times`: a time came back as another; `stripped`: the account loses our properties; `clock`: ours and
#: Google's differ; `unfinished`: Google did not answer just now; `left`: the probe could not be removed.
Finding = Literal[
    "scope", "grant", "calendar", "refused", "operator", "lost",
    "account", "times", "stripped", "clock", "unfinished", "left",
]  # fmt: skip
#: With any of these nothing would ever be synced.
FATAL: Final = frozenset({"scope", "grant", "calendar", "refused", "operator", "lost"})
#: Seconds by which Google's clock and ours may differ: a command from the future is refused after five minutes.
SKEW_S: Final = 60.0
_TRIES: Final = 3
_PAUSE_S: Final = 0.5
_MARK: Final = "bgtProbe"
_AT: Final = datetime(1990, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the probe goes: `account` owns `google_calendar`, which is `primary` or an id."""

    grant: Grant
    google_calendar: str
    account: str


async def probe(port: CalendarPort, place: Place, clock: Callable[[], datetime]) -> tuple[Finding, ...]:
    """Return what is wrong; nothing where all is well."""
    return await _Probe(port, place, clock).run()


class _Probe:
    def __init__(self, port: CalendarPort, place: Place, clock: Callable[[], datetime]) -> None:
        self._port, self._place, self._clock = port, place, clock
        self._id = "bgt" + b32hexencode(secrets.token_bytes(20)).decode().rstrip("=").lower()
        self._mark = secrets.token_hex(8)
        self._etag: str | None = None
        self._may_stand = False

    async def run(self) -> tuple[Finding, ...]:
        found: list[Finding] = []
        try:
            found += await self._written_and_read()
        except GrantLost as error:
            found.append("scope" if error.code == "insufficient_scope" else "grant")
        except CalendarGone:
            found.append("calendar")
        except NotAdmitted:
            found.append("operator")
        except GoogleForNow:
            found.append("unfinished")
        finally:
            gone = not self._may_stand or await self._removed()
        return (*found, *(() if gone else ("left",)))

    async def _written_and_read(self) -> list[Finding]:
        self._may_stand = True  # an answer that is lost on its way may be that of a write
        before = self._clock()
        written = await self._call(Insert(event_id=self._id, generation=0, body=self._body()))
        after = self._clock()
        if not isinstance(written, Held):
            self._may_stand = not isinstance(written, Denied)
            return ["refused"]
        self._etag = str(written.event["etag"])
        read = await self._call(Get(event_id=self._id, generation=0))
        if not isinstance(read, Held) or read.event.get("status") == "cancelled":
            return ["lost"]
        self._etag = str(read.event["etag"])
        return [*self._compared(read.event), *_clock_of(written.event, before, after)]

    def _compared(self, event: EventBody) -> list[Finding]:
        found: list[Finding] = []
        organizer = _of(event, "organizer").get("email")
        if (
            self._place.google_calendar == "primary"
            and isinstance(organizer, str)
            and organizer.casefold() != self._place.account.casefold()
        ):
            found.append("account")
        times = [_instant(_of(event, side).get("dateTime")) for side in ("start", "end")]
        if times != [_AT, _AT + timedelta(minutes=1)]:
            found.append("times")
        if _of(_of(event, "extendedProperties"), "private").get(_MARK) != self._mark:
            found.append("stripped")
        return found

    async def _removed(self) -> bool:
        """Take the probe off; whatever keeps it there is told as `left`, not raised: the finding above says more."""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(_PAUSE_S)
            try:
                if self._etag is None:
                    seen = await self._call(Get(event_id=self._id, generation=0))
                    if not isinstance(seen, Held) or seen.event.get("status") == "cancelled":
                        return True
                    self._etag = str(seen.event["etag"])
                answer = await self._call(Remove(event_id=self._id, generation=0, etag=self._etag))
            except GoogleForNow:
                continue
            except (GrantLost, CalendarGone, NotAdmitted):
                return (
                    self._etag is None
                )  # without an answer to the write, who may not write has written nothing
            if isinstance(answer, Done | Missing):
                return True
            if isinstance(answer, Changed):
                self._etag = None
        return False

    async def _call(self, call: Insert | Get | Remove) -> Any:
        return await self._port.call(self._place.grant, self._place.google_calendar, call)

    def _body(self) -> EventBody:
        return {
            "id": self._id,
            "summary": "Calendar sync test",
            "start": {"dateTime": _AT.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (_AT + timedelta(minutes=1)).isoformat(), "timeZone": "UTC"},
            "transparency": "transparent",
            "reminders": {"useDefault": False},
            "extendedProperties": {"private": {_MARK: self._mark}},
        }


def _of(event: EventBody, name: str) -> EventBody:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


def _clock_of(event: EventBody, before: datetime, after: datetime) -> list[Finding]:
    """Compare clocks by the time that Google says it wrote the event."""
    googles = _instant(event.get("updated"))
    if googles is None:
        return []
    slack = timedelta(seconds=SKEW_S)
    return [] if before - slack <= googles <= after + slack else ["clock"]
