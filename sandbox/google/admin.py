"""The admin routes: what tests and demos in other processes may do with the stand-in. JSON in, JSON out.

Nothing here is charged to a quota, struck by a fault or written to the journal; only loopback callers are served.
`{calendar}` is a calendar id (an account's own has its address); escape it. An error is a Google-shaped body.

| route | body, query | answer |
|---|---|---|
| `GET /_standin/health` | | `{"ok": true, "check": bool}` (check: the discovery document is in use) |
| `POST /_standin/accounts` | `{"account", "scopes"?: [..], "time_zone"?, "client_id"?}` | `{"account", "calendar_id", "refresh_token", "access_token", "expires_in", "scope"}`; an existing account gets another pair |
| `GET /_standin/accounts` | | `{"accounts": [{"account", "strip_extended_properties", "granted_scopes", "refresh_tokens": n}]}` |
| `PATCH /_standin/accounts/{account}` | `{"strip_extended_properties"?: bool, "granted_scopes"?: [..] or null}` | the account; `granted_scopes` is what its consents tick |
| `POST /_standin/accounts/{account}/invalidate` | `{"access_tokens"?: true}` | `{}`; refreshing is `invalid_grant` from now on |
| `POST /_standin/accounts/{account}/expire` | | `{}`; access tokens are 401 from now on, refreshing works |
| `POST /_standin/consents` | `{"account"?, "scopes"?: [..], "deny"?: bool}` | `{"queued": n}`; decides the next visit of the consent page |
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
| `GET, PUT /_standin/settings` | `{"latency_ms"?, "check"?, "keep_bodies"?, "access_token_lifetime_s"?, "forbid_blind_revival"?, "bare_cancelled"?, "page_cap"?, "empty_pages"?}` | all settings |
| `POST /_standin/sync-tokens/expire` | | `{}`; sync tokens given so far are 410 |
| `POST /_standin/notes` | `{"text"}` | `{}`; a line in "Last changes" of the page |
| `POST /_standin/reset` | `{"journal_only"?: bool}` | `{}`; forget everything (settings of the command line too), or only the journal and the load |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.google import wire
from sandbox.google.admin_calendars import CalendarAdmin
from sandbox.google.core import Choice
from sandbox.google.discovery import Discovery, load
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
        self._calendars = CalendarAdmin(core)

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
            ("GET", "faults", self._faults),
            ("POST", "faults", self._add_faults),
            ("DELETE", "faults", self._drop_faults),
            ("DELETE", "faults/{id}", self._drop_faults),
            ("GET", "quota", self._quota),
            ("PUT", "quota", self._quota),
            ("GET", "settings", self._settings),
            ("PUT", "settings", self._settings),
            ("POST", "sync-tokens/expire", self._expire_sync_tokens),
            ("POST", "notes", self._note),
            ("POST", "reset", self._reset),
            *self._calendars.table(),
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

    # --- behaviour ------------------------------------------------------------------------------------------

    def _faults(self, _: web.Request, __: Json) -> Json:
        return {"faults": self._core.faults.to_json()}

    def _add_faults(self, _: web.Request, body: Any) -> Json:
        given = body if isinstance(body, list) else [body]
        ids = {self._core.faults.add_json(one).id for one in given}
        return {"faults": [fault for fault in self._core.faults.to_json() if fault["id"] in ids]}

    def _drop_faults(self, request: web.Request, _: Json) -> Json:
        if "id" in request.match_info:
            self._core.faults.remove(int(request.match_info["id"]))
        else:
            self._core.faults.clear()
        return {"faults": self._core.faults.to_json()}

    def _quota(self, _: web.Request, body: Json) -> Json:
        self._core.quota.configure(body)
        return self._core.quota.to_json()

    def _settings(self, _: web.Request, body: Json) -> Json:
        core = self._core
        for name, value in body.items():
            match name:
                case "latency_ms":
                    core.latency_s = float(value) / 1000
                case "check":
                    document = load() if value else None
                    core.discovery = None if document is None else Discovery(document)
                case "keep_bodies":
                    core.journal.keep_bodies = bool(value)
                case "access_token_lifetime_s":
                    core.grants.lifetime_s = int(value)
                case "forbid_blind_revival" | "bare_cancelled" | "empty_pages" if isinstance(value, bool):
                    setattr(core.state.switches, name, value)
                case "page_cap" if value is None or (type(value) is int and value > 0):
                    core.state.switches.page_cap = value
                case _:
                    raise invalid(f"There is no setting {name} of {value!r}.")
        switches = core.state.switches
        return {
            "latency_ms": core.latency_s * 1000,
            "check": core.discovery is not None,
            "keep_bodies": core.journal.keep_bodies,
            "access_token_lifetime_s": core.grants.lifetime_s,
            "forbid_blind_revival": switches.forbid_blind_revival,
            "bare_cancelled": switches.bare_cancelled,
            "page_cap": switches.page_cap,
            "empty_pages": switches.empty_pages,
        }

    def _expire_sync_tokens(self, _: web.Request, __: Json) -> Json:
        self._core.state.sync_epoch += 1
        return {}

    def _note(self, _: web.Request, body: Json) -> Json:
        self._core.hub.note(str(body["text"]))
        return {}

    def _reset(self, _: web.Request, body: Json) -> Json:
        if body.get("journal_only"):
            self._core.journal.clear()
            self._core.quota.clear()
        else:
            self._core.reset()
        return {}
