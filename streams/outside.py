"""What a worker meets outside of Kafka: who is connected, and Google.

Comes in: settings. Goes out: an `Outside`, of which a worker is the only user. `Live` is the real one; a shadow has
another (`streams.shadow`). Not here: what is asked of it, and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gcal.client import GoogleCalendar
from schemas.errors import OperatorError
from streams.desk import Desk
from streams.outbox import keep_sending
from streams.preferences import tell_all_preferences
from streams.reach import names_of
from streams.revocations import keep_revoking
from vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AsyncExitStack

    from aiohttp import TraceConfig

    from gcal.client import GoogleSettings
    from gcal.port import CalendarPort
    from streams.desk import Tokens
    from streams.names import Names
    from streams.sender import Sender
    from streams.settings import Settings


class Outside(Protocol):
    """Where a worker's calls go."""

    @property
    def names(self) -> Names:
        """Return the real names of its topics."""
        ...

    @property
    def desk(self) -> type[Desk]:
        """Return the kind of desk that its lanes share."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Return who is connected; once it is open."""
        ...

    @property
    def port(self) -> CalendarPort:
        """Return where calls go; once it is open."""
        ...

    async def open(
        self, stack: AsyncExitStack, check: Callable[[], None], traces: Sequence[TraceConfig]
    ) -> None:
        """Reach everything; it is given back with the stack.

        `check` raises where no call may begin any more; `traces` are told of each request.
        """
        ...

    async def tell_what_no_input_holds(self, sender: Sender) -> None:
        """Tell a group that begins without state what it cannot read in the input topics."""
        ...

    def works(self, sender: Sender) -> Sequence[Coroutine[None, None, None]]:
        """Return what runs beside the streams, until cancelled."""
        ...


class Live:
    """The vault, and Google."""

    desk = Desk
    tokens: Tokens
    port: CalendarPort

    def __init__(self, settings: Settings, google: GoogleSettings) -> None:
        if not settings.vault_keys:
            raise OperatorError(
                "SHIFTCAL_VAULT_KEYS is not set: the worker needs the Fernet keys that tokens are encrypted with"
            )
        self._settings, self._google = settings, google
        self.names = names_of(settings)

    async def open(
        self, stack: AsyncExitStack, check: Callable[[], None], traces: Sequence[TraceConfig]
    ) -> None:
        """Open the database of connections, and a way to Google."""
        keys = [key.get_secret_value() for key in self._settings.vault_keys]
        self._vault = self.tokens = await Vault.open(self._settings.database_url.get_secret_value(), keys)
        stack.push_async_callback(self._vault.close)
        self.port = await stack.enter_async_context(GoogleCalendar(self._google, check, traces))

    async def tell_what_no_input_holds(self, sender: Sender) -> None:
        """Tell everybody's preferences."""
        await tell_all_preferences(self._vault, sender, self.names)

    def works(self, sender: Sender) -> Sequence[Coroutine[None, None, None]]:
        """Send what waits in the outbox, and revoke what nobody uses."""
        return keep_sending(self._vault, sender, self.names), keep_revoking(self._vault, self.port)
