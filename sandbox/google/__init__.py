"""A stand-in for Google Calendar and Google's OAuth, strict where Google is strict.

In: HTTP requests, on 127.0.0.1 unless told otherwise. Out: Google's answers, a page that shows the calendars, a journal of what was asked.
It holds everything in memory, knows no recurring events, and plays faults, quotas and a user's own edits on demand.
Not here: anything of the product; the stand-in must not share a bug with what it checks.

`StandIn` runs in a loop of your own; `python -m sandbox.google` is a process, `RemoteStandIn` a hand on it; `admin.py` has the table of its routes.
"""

from sandbox.google.page import Control
from sandbox.google.quota import Quota
from sandbox.google.remote import RemoteStandIn
from sandbox.google.server import Place, StandIn, Tokens

__all__ = ["Control", "Place", "Quota", "RemoteStandIn", "StandIn", "Tokens"]
