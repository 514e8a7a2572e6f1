"""Agencies' policies, out of one TOML file.

In: a path. Out: `Policies` whose every template is known to work, or a `PolicyError` of one line that names the file,
the table and the key. Not here: what a policy means.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import TypeAdapter, ValidationError

from schemas.base import Id
from schemas.errors import OperatorError
from schemas.policy import Policies, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TEMPLATES: Final = ("title", "description")
_OPTIONAL: Final = (*_TEMPLATES, "hold_removals_over")
_SAMPLE: Final = {
    "shift_id": "48213",
    "title": "Medic 12 Day",
    "location": "Station 4",
    "notes": "Bring the new radio",
    "kind": "shift",
    "calendar_id": "ops-2026-12",
}
_ID: Final = TypeAdapter[str](Id)
_JINJA: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_JINJA.globals.clear()


class PolicyError(OperatorError):
    """The file of policies is wrong; the text is one line for the operator."""


def load_policies(path: Path | None) -> Policies:
    """Read the file; without one, every agency has the defaults."""
    if path is None:
        return Policies()
    try:
        file = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise PolicyError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: is not TOML: {error}"
        raise PolicyError(msg) from None
    try:
        return _policies(file)
    except _WrongTableError as error:
        msg = f"{path}: {error}"
        raise PolicyError(msg) from None


class _WrongTableError(Exception):
    """What is wrong, and in which table."""


def _policies(file: Mapping[str, Any]) -> Policies:
    for name in file.keys() - {"default", "agency"}:
        msg = f'unknown table or key {name!r}: expected [default] and [agency."ID"]'
        raise _WrongTableError(msg)
    default = _table("default", file.get("default", {}))
    agencies = _table("agency", file.get("agency", {}))
    return Policies(
        default=_policy("[default]", default),
        agencies={
            agency_id: _policy(f'[agency."{agency_id}"]', default | _table(f'agency."{agency_id}"', choices))
            for agency_id, choices in agencies.items()
            if _is_id(agency_id)
        },
    )


def _table(name: str, value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    msg = f"[{name}]: expected a table"
    raise _WrongTableError(msg)


def _is_id(agency_id: str) -> bool:
    try:
        _ID.validate_python(agency_id)
    except ValidationError:
        msg = f"[agency.{agency_id!r}]: an agency's id has 1 to 200 characters, without / and control characters"
        raise _WrongTableError(msg) from None
    return True


def _policy(where: str, choices: Mapping[str, Any]) -> Policy:
    # TOML has no null: `false` takes back what [default] gave.
    choices = {key: None if key in _OPTIONAL and value is False else value for key, value in choices.items()}
    try:
        policy = Policy.model_validate(choices)
    except ValidationError as error:
        raise _WrongTableError("; ".join(f"{where} {line}" for line in _lines(error))) from None
    for key in _TEMPLATES:
        if (source := getattr(policy, key)) is not None and (fault := _template_fault(source)):
            msg = f"{where} {key}: {fault}"
            raise _WrongTableError(msg)
    return policy


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        key = ".".join(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key: expected one of {', '.join(Policy.model_fields)}")
        else:
            lines.append(f"{key}: {each['msg'].removeprefix('Input ')}")
    return lines


def _template_fault(source: str) -> str | None:
    try:
        parsed = _JINJA.parse(source)
        unknown = meta.find_undeclared_variables(parsed) - _SAMPLE.keys()
        if unknown:
            return f"unknown variable {', '.join(sorted(unknown))}: expected {', '.join(_SAMPLE)}"
        if any(True for _ in meta.find_referenced_templates(parsed)):
            return "a template cannot use other files"
        _JINJA.from_string(source).render(_SAMPLE)
    except TemplateSyntaxError as error:
        return f"is not a Jinja2 template: line {error.lineno}: {_one_line(error)}"
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        return f"fails on an ordinary shift: {_one_line(error)}"
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
