"""Agencies' policies, out of one TOML file.

In: a path. Out: `Policies` whose every template is known to work, or a `PolicyError` whose lines name the file, the line
in it, the table and the key. Not here: what a policy means.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import TypeAdapter, ValidationError

from schemas.base import Id
from schemas.errors import OperatorError
from schemas.policy import Policies, Policy
from streams.toml_lines import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_TEMPLATES: Final = ("title", "description")
_OPTIONAL: Final = (*_TEMPLATES, "hold_removals_over", "colour", "show_as")
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
    """The file of policies is wrong; the text is one line for the operator, `faults` has one for everything wrong."""

    def __init__(self, *faults: str) -> None:
        more = len(faults) - 1
        rest = f" ({more} more: `shiftcal policies check` lists all)" if more else ""
        super().__init__(faults[0] + rest)
        self.faults = faults


class _Fault(NamedTuple):
    """What is wrong, and the names that lead to it."""

    names: tuple[object, ...]
    said: str


def load_policies(path: Path | None) -> Policies:
    """Read the file; without one, every agency has the defaults."""
    if path is None:
        return Policies()
    try:
        text = path.read_text(encoding="utf-8")
        file = tomllib.loads(text)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise PolicyError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: is not TOML: {error}"
        raise PolicyError(msg) from None
    policies, faults = _policies(file)
    if faults:
        found = sorted((line_of(text, fault.names), fault.said) for fault in faults)
        raise PolicyError(*(f"{path}:{line}: {said}" for line, said in found))
    return policies


def _policies(file: Mapping[str, Any]) -> tuple[Policies, list[_Fault]]:
    faults = [
        _Fault((name,), f'unknown table or key {name!r}: expected [default] and [agency."ID"]')
        for name in file
        if name not in {"default", "agency"}
    ]
    shared = _table(("default",), file.get("default", {}), faults)
    default = _policy(("default",), shared, shared, faults)
    agencies: dict[str, Policy] = {}
    for agency_id, choices in _table(("agency",), file.get("agency", {}), faults).items():
        names = ("agency", agency_id)
        if not _is_id(agency_id):
            expected = "an agency's id has 1 to 200 characters, without / and control characters"
            faults.append(_Fault(names, f"[agency.{agency_id!r}]: {expected}"))
            continue
        own = _table(names, choices, faults)
        agencies[agency_id] = _policy(names, own, shared | own, faults)
    return Policies(default=default, agencies=agencies), faults


def _table(names: tuple[str, ...], value: object, faults: list[_Fault]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    faults.append(_Fault(names, f"{_header(names)}: expected a table"))
    return {}


def _header(names: tuple[str, ...]) -> str:
    table, *agency = names
    return f"[{table}" + "".join(f'."{name}"' for name in agency) + "]"


def _is_id(agency_id: str) -> bool:
    try:
        _ID.validate_python(agency_id)
    except ValidationError:
        return False
    return True


def _policy(
    names: tuple[str, ...], own: Mapping[str, Any], choices: Mapping[str, Any], faults: list[_Fault]
) -> Policy:
    """Return the policy of a table, what it leaves out taken from [default]; faults are told of its own keys alone."""
    # TOML has no null: `false` takes back what [default] gave.
    choices = {key: None if key in _OPTIONAL and value is False else value for key, value in choices.items()}
    for key in _TEMPLATES:
        source = own.get(key)
        if isinstance(source, str) and source and (fault := _template_fault(source)):
            faults.append(_fault(names, (key,), fault))
    try:
        return Policy.model_validate(choices)
    except ValidationError as error:
        told = [(place, said) for place, said in _told(error, choices) if place[0] in own]
        faults += [_fault(names, place, said) for place, said in told]
    return Policy()


def _fault(names: tuple[str, ...], place: tuple[str, ...], said: str) -> _Fault:
    return _Fault((*names, *place), f"{_header(names)} {'.'.join(place)}: {said}")


def _told(error: ValidationError, choices: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return where each mistake is, as the file has it, and what was expected."""
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = each["loc"]
        if place[0] == "colour" and len(place) > 1:  # pairs in the order of their kinds
            kinds = sorted(choices["colour"])
            place = ("colour", kinds[int(place[1])])
        said = each["msg"].removeprefix("Input ")
        if each["type"] == "extra_forbidden":
            said = f"unknown key: expected one of {', '.join(Policy.model_fields)}"
        yield tuple(part for part in place if isinstance(part, str)), said


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
