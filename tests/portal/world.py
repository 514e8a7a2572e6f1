"""A portal to knock at: the application under uvicorn, over real HTTP, with the stand-in as Google and a real vault.

What a worker would do is done by hand: commands are kept in a list, and statuses, views and results go through the vault's
projection, as the projector would put them there.
"""

from __future__ import annotations

import asyncio
import atexit
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import uuid4

import aiohttp
from cryptography.fernet import Fernet
from pydantic import SecretStr

from portal.limits import Limit
from portal.links import HostKey, host_key, sign
from portal.parts import Limits, NotPassedOn, Parts, Public
from portal.serve import Server, google_of, server_of
from sandbox.google import StandIn
from sandbox.google.core import Choice
from schemas.outputs import SyncResult, SyncStatus
from schemas.policy import Policies
from schemas.preferences import Preferences
from schemas.views import View
from streams.codec import encode
from streams.settings import Settings
from vault import Batch, News, Source, Span, Vault

AGENCY, USER, ACCOUNT = "metro-ems", "u-17", "ann@example.com"
SECRET = "a secret of nobody, which is as long as the longest of all hashes would ask for"
TOPIC = "sync-status"


class Clock:
    """The time, which a test may turn forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.passed_s = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def steady(self) -> float:
        """Seconds that only go forward, for limits."""
        return self.passed_s


@dataclass
class Sent:
    """Commands that were sent, and connects that were announced."""

    vault: Vault
    commands: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    announced: list[dict[str, object]] = field(default_factory=list)
    away: bool = False

    async def send(self, agency_id: str, user_id: str, command: Mapping[str, object]) -> None:
        if self.away:
            raise NotPassedOn
        self.commands.append((agency_id, user_id, dict(command)))

    async def prefer(self, agency_id: str, user_id: str, preferences: Preferences) -> None:
        if self.away:
            raise NotPassedOn
        value = preferences.model_dump(exclude_none=True)
        await self.vault.preferences.put(agency_id, user_id, value, datetime.now(UTC))

    async def announce(self) -> None:
        if self.away:
            return
        waiting = await self.vault.announcements()
        self.announced += [one.value for one in waiting]
        await self.vault.announced([one.id for one in waiting])


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str
    cookies: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def said(self) -> str:
        """The text of the page, as it is read."""
        bare = re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", self.text, flags=re.DOTALL))
        return " ".join(unescape(bare).split())


class Browser:
    """Somebody's browser, with cookies of its own. It follows redirects when told to."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.world, self.session = world, session

    async def get(self, url: str, *, follow: bool = True, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.ask("GET", url, follow=follow, headers=headers)

    async def ask(
        self,
        verb: str,
        url: str,
        *,
        follow: bool = False,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | bytes | None = None,
    ) -> Answer:
        async with self.session.request(
            verb, urljoin(self.world.url + "/", url), allow_redirects=False, headers=headers, data=data
        ) as reply:
            answer = Answer(
                reply.status,
                dict(reply.headers),
                await reply.text(),
                str(reply.url),
                tuple(reply.headers.getall("Set-Cookie", [])),
            )
        if follow and answer.location:
            return await self.get(urljoin(answer.url, answer.location))
        return answer

    async def enter(self, **claims: Any) -> Answer:
        """Come in by a new link."""
        return await self.get(f"/enter?link={self.world.link(**claims)}")

    async def press(self, path: str, *, follow: bool = True, **fields: str) -> Answer:
        """Press the button of a form that is on the page, as a browser sends it."""
        page = await self.get("/")
        assert f'action="{path}"' in page.text, f"no form {path} on the page: {page.said}"
        form = {"csrf": csrf_of(page), **fields}
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return await self.ask("POST", path, follow=follow, headers=headers, data=form)

    async def connect(self, **choice: Any) -> Answer:
        """Press "Authorize", and decide on Google's page."""
        self.world.google.core.choices.append(Choice(**{"account": ACCOUNT, **choice}))
        return await self.press("/connect")

    def cookie(self) -> str:
        return next(c.value for c in self.session.cookie_jar if c.key == "shiftcal")


@dataclass
class World:
    """Everything that a test may look at or turn."""

    url: str
    parts: Parts
    google: StandIn
    clock: Clock
    sent: Sent
    offset: int = 0

    @property
    def vault(self) -> Vault:
        return self.parts.vault

    def link(self, *, key: Any = None, minutes: float = 5, **claims: Any) -> str:
        """A link's token, as the host application makes it."""
        said = {"agency": AGENCY, "user": USER, "name": "Ann Lee", "agency_name": "Metro EMS", **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return sign(said, key or SECRET.encode(), self.clock(), timedelta(minutes=minutes))

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator[Browser]:
        """Another browser."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as session:
            yield Browser(self, session)

    async def tell(
        self,
        status: SyncStatus | None = None,
        view: View | None = None,
        result: SyncResult | None = None,
        *,
        user: str = USER,
    ) -> None:
        """What the projector would have read."""
        source = Source(TOPIC, 0, self.offset, self.clock())
        batch = Batch(
            positions={(TOPIC, 0): Span(self.offset, self.offset + 1)},
            statuses=[News(AGENCY, user, source, status)] if status else [],
            views=[News(AGENCY, user, source, encode(view))] if view else [],
            results=[News(AGENCY, user, source, result)] if result else [],
        )
        self.offset += 1
        applied = await self.vault.projection.apply(batch)
        self.parts.bell.ring(applied.changed)

    async def state(self, state: str, *, user: str = USER, **more: Any) -> None:
        """The user's newest status."""
        shape = {"agency_id": AGENCY, "user_id": user, "state": state, **more}
        await self.tell(SyncStatus.model_validate(shape), user=user)


def csrf_of(page: Answer) -> str:
    """The token in the page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None, page.said
    return found[1]


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@asynccontextmanager
async def world_of(
    google: StandIn,
    folder: Path,
    *,
    policies: Policies | None = None,
    public: str | None = None,
    key: HostKey | None = None,
    forms_per_minute: int = 1_000,
    database: str | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """A portal that serves."""
    clock = Clock()
    chosen = Settings(
        _env_file=None,
        vault_keys=(SecretStr(Fernet.generate_key().decode()),),
        google_client_id="portal",
        google_client_secret=SecretStr("portal-secret"),
        google_api_url=google.url,
        google_auth_url=google.auth_url,
        google_token_url=google.token_url,
        google_revoke_url=google.revoke_url,
        google_timeout_s=2,
        **settings,
    )
    if database is None:
        file = folder / f"{uuid4().hex}.db"
        shutil.copy(await _empty(), file)
        database = f"sqlite+aiosqlite:///{file}"
    vault = await Vault.open(database, [key.get_secret_value() for key in chosen.vault_keys])
    google_parts, sent = google_of(chosen), Sent(vault)
    listening = _socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    parts = Parts(
        vault=vault,
        settings=chosen,
        policies=policies or Policies(),
        commands=sent,
        google=google_parts,
        key=key or host_key(SECRET),
        public=Public(public or url),
        limits=Limits(
            Limit(chosen.portal_entries_per_minute, clock.steady), Limit(forms_per_minute, clock.steady)
        ),
        clock=clock,
    )
    server = server_of(parts, chosen)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await _started(server)
        yield World(url, parts, google, clock, sent)
    finally:
        parts.closing.set()
        server.should_exit = True
        await serving
        await google_parts.consents.close()
        await google_parts.calendar.close()
        await vault.close()


_made: list[Path] = []


async def _empty() -> Path:
    """A database with all tables and nothing in them: made once, since making it takes longer than most tests."""
    if not _made:
        folder = Path(tempfile.mkdtemp(prefix="shiftcal-portal-"))
        atexit.register(shutil.rmtree, folder)
        path = folder / "empty.db"
        await (await Vault.open(f"sqlite+aiosqlite:///{path}", [])).close()
        _made.append(path)
    return _made[0]


async def _started(server: Server) -> None:
    while not server.started:  # noqa: ASYNC110  uvicorn has nothing that could be waited for
        await asyncio.sleep(0.005)


def _socket() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening
