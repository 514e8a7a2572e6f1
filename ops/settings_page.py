"""The page of all settings and policies, for whoever runs Shiftcal.

In: the models. Out: `docs/settings.md`, written by ``python -m ops.settings_page``; a test says when it is stale. Not here: any
sentence about a single setting, which stands where the setting does.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.types import PathType
from pydantic_core import PydanticUndefined

from schemas.policy import HoldRemovals, Policy
from streams import setting_rules as rules
from streams.settings import PREFIX, SECRETS_DIR, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.fields import FieldInfo

PAGE: Final = Path(__file__).parents[1] / "docs" / "settings.md"

#: A heading stands before the setting that begins its group; one that is new joins those that it was put among.
_GROUPS: Final[Mapping[str, str]] = {
    "kafka_bootstrap": "Kafka",
    "topic_prefix": "Topics and the group",
    "state_dir": "State, database and keys",
    "google_client_id": "Google",
    "policies": "Agencies",
    "http_host": "The worker's pages",
    "portal_host": "The portal",
    "log_format": "Logs",
}
_RULES: Final[Mapping[object, str]] = {
    rules.bootstrap: "`host:port`, comma-separated",
    rules.topic_prefix: "up to 100 letters, digits, `.`, `_`, `-`",
    rules.app_id: "as `TOPIC_PREFIX`, not empty",
    rules.host: "address or host name",
    rules.http_url: "URL",
    rules.origins: "origins, comma-separated",
    rules.several: "URLs, comma-separated",
    rules.fernet_keys: "secret: Fernet keys, comma-separated",
    rules.database_url: "secret: URL",
}
_HEAD: Final = f"""\
<!-- Made from the models by `python -m ops.settings_page`; a test says when it is stale. -->
# Settings

Each is an environment variable with the prefix `{PREFIX}`, which is left out below: `PARTITIONS` is `{PREFIX}PARTITIONS`. A file
`.env` in the working directory is read too; the environment wins. An empty variable counts as absent. A wrong value stops the
program at once, with one line that names the setting and never what stood there.

Where `{SECRETS_DIR}` names a directory, a setting may also be a file in it, of its name in small letters
(`vault_keys`): that is how Docker and Kubernetes hand secrets over. All processes of a deployment take the same settings, but for
`STATE_DIR` and `HTTP_PORT`, which each worker has for itself.
"""
_POLICIES: Final = """
## Policies

Keys of the TOML file that `POLICIES` names: in `[default]`, or in an agency's own table `[agency."ID"]`. An unknown key or value
stops the program. What they mean together, with an example, stands in [Policies](policies.md).
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([_HEAD, *_settings(), _POLICIES, *_policies()]) + "\n"


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name in _GROUPS:
            yield from (f"## {_GROUPS[name]}\n", "| setting | default | takes | |", "|---|---|---|---|")
        following = _next(name)
        yield _row(name.upper(), field) + ("\n" if following in _GROUPS else "")


def _next(name: str) -> str | None:
    names = list(Settings.model_fields)
    at = names.index(name) + 1
    return names[at] if at < len(names) else None


def _policies() -> Iterator[str]:
    yield from ("| key | default | takes | |", "|---|---|---|---|")
    yield from (_row(name, field) for name, field in Policy.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    if field.description is None:
        raise LookupError(f"{name} has no sentence: write one beside it")
    sentence = field.description.replace("|", "\\|")
    cells = (f"`{name}`", _default(field), _takes(field.annotation, field.metadata), sentence)
    return "| " + " | ".join(cells) + " |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "must be set"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()  # it stands in the code for all to read
    if isinstance(value, frozenset):
        return _code([json.dumps(sorted(value))])
    return "none" if value in {None, "", ()} else _code([value])


def _takes(kind: Any, metadata: Iterable[Any] = ()) -> str:  # noqa: C901  one branch a kind
    found = list(metadata)
    while get_origin(kind) in {Annotated, Union, UnionType}:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            found += more
        else:
            [kind] = [one for one in get_args(kind) if one is not NoneType]
    for one in found:
        if isinstance(one, AfterValidator | BeforeValidator) and one.func in _RULES:
            return _RULES[one.func]
    if get_origin(kind) is Literal:
        return _code(get_args(kind))
    if get_origin(kind) is frozenset:
        return f"list of {_takes(*get_args(kind))}"
    if get_origin(kind) is tuple:
        _, colours = get_args(get_args(kind)[0])
        return f"table of {_takes(colours)}, by kind"
    if kind is HoldRemovals:
        return f"`{{{', '.join(f'{name} = …' for name in HoldRemovals.model_fields)}}}`"
    if kind in {int, float}:
        return _number(kind, found)
    if issubclass(kind, Path):
        return "file" if any(isinstance(one, PathType) for one in found) else "directory"
    return "secret" if kind is SecretStr else "text"


def _number(kind: type, metadata: Iterable[Any]) -> str:
    words = "whole number" if kind is int else "number"
    bounds = {
        name: getattr(one, name) for one in metadata for name in ("ge", "gt", "le") if hasattr(one, name)
    }
    said = {"ge": "{} or more", "gt": "above {}", "le": "at most {}"}
    return ", ".join([words, *(said[name].format(bounds[name]) for name in said if name in bounds)])


def _code(values: Iterable[object]) -> str:
    return ", ".join(f"`{one}`" for one in values)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
