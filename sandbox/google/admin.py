"""The admin routes: what tests and demos in other processes may do with the stand-in. JSON in, JSON out.

Nothing here is charged to a quota, struck by a fault or written to the journal; only who asks under a loopback name, or one given at the start, is served.
`{calendar}` is a calendar id (an account's own has its address); escape it. An error is a Google-shaped body.

| route | body, query | answer |
|---|---|---|
| `GET /_standin/health` | | `{"ok": true, "check": bool}` (check: the discovery document is in use) |
| `POST /_standin/accounts` | `{"account", "scopes"?: [..], "time_zone"?, "client_id"?}` | `{"account", "calendar_id", "refresh_token", "access_token", "expires_in", "scope"}`; an existing account gets another pair |
| `GET /_standin/accounts` | | `{"accounts": [{"account", "strip_extended_properties", "granted_scopes", "refresh_tokens": n}]}` |
| `PATCH /_standin/accounts/{account}` | `{"strip_extended_properties"?: bool, "granted_scopes"?: [..] or null}` | the account; `granted_scopes` is what its consents tick where no page asks |
| `POST /_standin/accounts/{account}/invalidate` | `{"access_tokens"?: true}` | `{}`; the person took the consent back at Google: refreshing is `invalid_grant` from now on |
| `POST /_standin/accounts/{account}/expire` | | `{}`; access tokens are 401 from now on, refreshing works |
| `POST /_standin/consents` | `{"account"?, "scopes"?: [..], "deny"?: bool}` | `{"queued": n}`; decides the next visit of the consent page, which then shows nothing |
| `PUT /_standin/clients` | `{"client-id": "secret", ..}` | `{}`; only these clients are known (empty: every client) |
| `POST /_standin/calendars` | `{"account", "summary", "time_zone"?, "id"?, "shared_with"?: [..]}` | `{"id"}`; a secondary calendar made by its user |
| `GET /_standin/calendars/{calendar}/events` | `?deleted=1` | `{"items": [event, ..]}` in order of creation, without paging |
| `POST /_standin/calendars/{calendar}/events` | event body | the event: the user's own, with an id of Google's making unless given |
| `GET, PUT, PATCH, DELETE /_standin/calendars/{calendar}/events/{event}` | event body | the event, or `{}`: as the user reads, replaces (or creates), alters, deletes it |
| `DELETE /_standin/calendars/{calendar}/events/{event}?purge=1` | | `{}`; every trace is gone and the id is free |
| `PUT /_standin/calendars/{calendar}/burnt/{event}` | `{"how": "gone", "forbidden" or null}` | `{}`; `gone`: 409 on insert, 404 else; `forbidden`: 409 on insert, readable as cancelled, 403 on revival |
| `GET /_standin/journal` | `?since=0&limit=&method=&account=` | `{"next": index, "entries": [entry, ..]}` (`journal.Entry`) |
| `GET /_standin/stats` | | `{"calls": {method: {status: n}}, "committed": {method: n}, "duplicate_inserts": [[calendar, event]], "violations": [text], "overlaps": [[index, index]], "quota": {..}, "entries": n}` |
| `GET, POST, DELETE /_standin/faults` | one fault or a list of them (`faults.Fault`: `{"kind", "method"?, "account"?, "commit"?, "times"?, "share"?, "seed"?, "for_s"?, "after_s"?, "status"?, "reason"?, "message"?, "domain"?, "retry_after"?, "seconds"?, "latency_ms"?, "jitter_ms"?}`) | `{"faults": [fault with "id" and "hits", ..]}`; POST adds and answers only the added ones |
| `DELETE /_standin/faults/{id}` | | `{"faults": [..]}` |
| `GET, PUT /_standin/quota` | `{"project_per_minute"?, "user_per_minute"?: n or null, "shape"?: "403", "429" or "mix", "retry_after"?: bool}` | limits, `refused`, `project_peak`, `user_peaks` (most calls in any 60 s) |
| `GET, PUT /_standin/settings` | `{"latency_ms"?, "check"?, "keep_bodies"?, "consent_page"?, "access_token_lifetime_s"?, "forbid_blind_revival"?, "bare_cancelled"?, "page_cap"?, "empty_pages"?}` | all settings |
| `POST /_standin/sync-tokens/expire` | | `{}`; sync tokens given so far are 410 |
| `POST /_standin/notes` | `{"text"}` | `{}`; a line in "Last changes" of the page |
| `POST /_standin/reset` | `{"journal_only"?: bool}` | `{}`; forget everything (settings of the command line too), or only the journal and the load |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from sandbox.google import wire
from sandbox.google.admin_behaviour import BehaviourAdmin
from sandbox.google.admin_calendars import CalendarAdmin
from sandbox.google.core import Choice
from sandbox.google.errors import GoogleError, Json, invalid, not_found
from sandbox.google.guard import local
from sandbox.google.scopes import EVENTS

if TYPE_CHECKING:
    from sandbox.google.core import Core
    from sandbox.google.models import Account

Admin = Callable[[web.Request, Json], Json]


def endpoint(operation: Admin) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An admin operation as a handler: JSON in, JSON out, refusals in Google's shape."""

    async def handler(request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = orjson.loads(raw) if raw else {}
            answer = wire.Answer(200, orjson.dumps(operation(request, body)))
        except GoogleError as error:
            answer = wire.refusal(error)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
            problem = invalid(f"The admin route cannot use this body: {type(error).__name__}: {error}")
            answer = wire.refusal(problem)
        return wire.send(answer, request)

    return local(handler)


class AdminRoutes:
    """Everything below `/_standin/` that is no part of the page."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """The routes of the table above."""
        table: list[tuple[str, str, Admin]] = [
            ("GET", "health", self._health),
            ("GET", "accounts", self._accounts),
            ("POST", "accounts", self._add_account),
            ("PATCH", "accounts/{account}", self._alter_account),
            ("POST", "accounts/{account}/invalidate", self._invalidate),
            ("POST", "accounts/{account}/expire", self._expire),
            ("POST", "consents", self._consents),
            ("PUT", "clients", self._clients),
            ("GET", "journal", self._journal),
            ("GET", "stats", self._stats),
            *CalendarAdmin(self._core).table(),
            *BehaviourAdmin(self._core).table(),
        ]
        return [web.route(verb, f"/_standin/{path}", endpoint(operation)) for verb, path, operation in table]

    # --- accounts -------------------------------------------------------------------------------------------

    def _health(self, _: web.Request, __: Json) -> Json:
        return {"ok": True, "check": self._core.discovery is not None}

    def _accounts(self, _: web.Request, __: Json) -> Json:
        return {"accounts": [self._describe(account) for account in self._core.state.accounts.values()]}

    def _add_account(self, _: web.Request, body: Json) -> Json:
        account, scopes = body["account"], frozenset(body.get("scopes", [EVENTS]))
        self._core.state.add_account(account, body.get("time_zone", "UTC"))
        refresh_token, access_token = self._core.connect(account, scopes, body.get("client_id"))
        return {
            "account": account,
            "calendar_id": account,
            "refresh_token": refresh_token,
            "access_token": access_token,
            "expires_in": self._core.grants.lifetime_s,
            "scope": " ".join(sorted(scopes)),
        }

    def _alter_account(self, request: web.Request, body: Json) -> Json:
        account = self._account(request)
        if "strip_extended_properties" in body:
            self._core.state.strip_properties(account.email, strip=bool(body["strip_extended_properties"]))
        if "granted_scopes" in body:
            ticked = body["granted_scopes"]
            account.granted_scopes = None if ticked is None else frozenset(ticked)
        return self._describe(account)

    def _invalidate(self, request: web.Request, body: Json) -> Json:
        access_tokens = bool(body.get("access_tokens", True))
        self._core.grants.invalidate(self._account(request).email, access_tokens=access_tokens)
        return {}

    def _expire(self, request: web.Request, _: Json) -> Json:
        self._core.grants.expire(self._account(request).email)
        return {}

    def _account(self, request: web.Request) -> Account:
        account = self._core.state.accounts.get(request.match_info["account"])
        if account is None:
            raise not_found()
        return account

    def _describe(self, account: Account) -> Json:
        tokens = [
            grant for grant in self._core.grants.refresh_tokens.values() if grant.account == account.email
        ]
        ticked = account.granted_scopes
        return {
            "account": account.email,
            "strip_extended_properties": account.strip_properties,
            "granted_scopes": None if ticked is None else sorted(ticked),
            "refresh_tokens": len(tokens),
        }

    def _consents(self, _: web.Request, body: Json) -> Json:
        scopes = body.get("scopes")
        choice = Choice(
            body.get("account"), None if scopes is None else frozenset(scopes), bool(body.get("deny"))
        )
        self._core.choices.append(choice)
        return {"queued": len(self._core.choices)}

    def _clients(self, _: web.Request, body: Json) -> Json:
        self._core.grants.clients = {str(client): str(secret) for client, secret in body.items()}
        return {}

    # --- evidence -------------------------------------------------------------------------------------------

    def _journal(self, request: web.Request, _: Json) -> Json:
        query, journal = request.query, self._core.journal
        limit = int(query["limit"]) if "limit" in query else None
        since = int(query.get("since", "0"))
        entries = journal.select(
            since=since, limit=limit, method=query.get("method"), account=query.get("account")
        )
        upto = entries[-1].index + 1 if limit is not None and len(entries) == limit else len(journal.entries)
        return {"next": upto, "entries": [entry.to_json() for entry in entries]}

    def _stats(self, _: web.Request, __: Json) -> Json:
        journal = self._core.journal
        committed: dict[str, int] = {}
        for entry in journal.entries:
            if entry.committed:
                committed[entry.method] = committed.get(entry.method, 0) + 1
        inserts = journal.committed("events.insert")
        return {
            "calls": journal.counts(),
            "committed": committed,
            "duplicate_inserts": [list(event) for event, times in inserts.items() if times > 1],
            "violations": journal.violations,
            "overlaps": journal.overlaps,
            "quota": self._core.quota.to_json(),
            "entries": len(journal.entries),
        }
