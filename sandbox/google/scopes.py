"""Which scope opens which method.

In: a method name, the granted scopes, the calendar. Out: yes or no. The table is the `scopes` of the discovery
document for the methods that the stand-in has (a test holds the two against each other).
"""

from __future__ import annotations

from sandbox.google.models import Calendar

PREFIX = "https://www.googleapis.com/auth/"
FULL = PREFIX + "calendar"
EVENTS = PREFIX + "calendar.events"
EVENTS_OWNED = PREFIX + "calendar.events.owned"
APP_CREATED = PREFIX + "calendar.app.created"
LIST_READONLY = PREFIX + "calendar.calendarlist.readonly"
EMAIL = PREFIX + "userinfo.email"
PROFILE = PREFIX + "userinfo.profile"
#: Who one is, is no box on the consent page: it is granted with whatever else is.
IDENTITY = frozenset({"openid", EMAIL, PROFILE})
#: Short names of scopes, and what they are granted as.
_SHORT = {"email": EMAIL, "profile": PROFILE}

_WRITE_EVENTS = ("calendar", "calendar.events", "calendar.events.owned", "calendar.app.created")
_READ_EVENTS = (
    *_WRITE_EVENTS,
    "calendar.events.freebusy",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
    "calendar.readonly",
)
_WRITE_CALENDARS = ("calendar", "calendar.app.created", "calendar.calendars")
_LIST = ("calendar", "calendar.calendarlist", "calendar.calendarlist.readonly", "calendar.readonly")

METHOD_SCOPES: dict[str, frozenset[str]] = {
    name: frozenset(PREFIX + scope for scope in scopes)
    for name, scopes in {
        "events.insert": _WRITE_EVENTS,
        "events.update": _WRITE_EVENTS,
        "events.patch": _WRITE_EVENTS,
        "events.delete": _WRITE_EVENTS,
        "events.get": _READ_EVENTS,
        "events.list": _READ_EVENTS,
        "calendars.insert": _WRITE_CALENDARS,
        "calendars.delete": _WRITE_CALENDARS,
        "calendars.get": (*_WRITE_CALENDARS, "calendar.calendars.readonly", "calendar.readonly"),
        "calendarList.list": _LIST,
        "calendarList.get": (*_LIST, "calendar.app.created"),
    }.items()
}


def spelled(asked: str) -> frozenset[str]:
    """The scopes of a request, as Google spells them in its answers."""
    return frozenset(_SHORT.get(scope, scope) for scope in asked.split())


def allowed(method: str, granted: frozenset[str]) -> bool:
    """Whether any granted scope opens the method at all."""
    return not METHOD_SCOPES[method].isdisjoint(granted)


def reaches(method: str, granted: frozenset[str], account: str, calendar: Calendar) -> bool:
    """Whether a granted scope opens the method on this calendar: some reach only owned or only own calendars."""
    for scope in METHOD_SCOPES[method] & granted:
        if scope == APP_CREATED:
            if calendar.app_created:
                return True
        elif ".owned" in scope:
            if calendar.owner == account:
                return True
        else:
            return True
    return False
