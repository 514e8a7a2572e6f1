"""Policies: what a file may say, and how a mistake in it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.policy import HoldRemovals, Policies, Policy
from streams.policies import PolicyError, load_policies

if TYPE_CHECKING:
    from pathlib import Path


def _load(tmp_path: Path, text: str) -> Policies:
    path = tmp_path / "policies.toml"
    path.write_text(text)
    return load_policies(path)


def test_no_file() -> None:
    """Without a file every agency has the defaults."""
    policy = load_policies(None).of("metro-ems")
    assert policy == Policy()
    assert policy.synced_kinds == {"shift"}
    assert (policy.on_unpublish, policy.on_leave, policy.on_drift) == ("remove", "keep", "restore")
    assert (policy.target_calendar, policy.title, policy.hold_removals_over) == ("primary", None, None)
    assert (policy.colour, policy.details, policy.show_as) == ((), "full", None)
    assert policy.user_may_choose == set()


def test_an_agency_says_less_than_everything(tmp_path: Path) -> None:
    """What an agency leaves out comes from [default]."""
    policies = _load(
        tmp_path,
        """
        [default]
        on_unpublish = "keep"
        title = "{{ title }} ({{ location }})"
        hold_removals_over = {share = 0.5, count = 200}
        [agency."metro-ems"]
        synced_kinds = ["shift", "class"]
        on_leave = "remove_future"
        [agency.county]
        on_unpublish = "remove"
        title = false
        hold_removals_over = false
        """,
    )
    metro = policies.of("metro-ems")
    assert (metro.on_unpublish, metro.on_leave) == ("keep", "remove_future")
    assert metro.synced_kinds == {"shift", "class"}
    assert metro.hold_removals_over == HoldRemovals(share=0.5, count=200)
    assert policies.of("county") == Policy()
    assert policies.of("anybody-else").title == "{{ title }} ({{ location }})"


def test_how_events_look(tmp_path: Path) -> None:
    """Colour by kind, details, busy or free, and what users may choose; an agency's table takes the place of the default's."""
    policies = _load(
        tmp_path,
        """
        [default]
        colour = {shift = "tangerine", "*" = "sage"}
        show_as = "busy"
        [agency.metro]
        colour = {class = "tomato"}
        details = "title_only"
        user_may_choose = ["show_as", "colour"]
        [agency.county]
        colour = false
        show_as = false
        """,
    )
    metro, county, other = (policies.of(agency) for agency in ("metro", "county", "other"))
    assert [other.colour_of(kind) for kind in ("shift", "class")] == ["tangerine", "sage"]
    assert [metro.colour_of(kind) for kind in ("shift", "class")] == [None, "tomato"]
    assert (metro.details, metro.show_as) == ("title_only", "busy")
    assert metro.user_may_choose == {"colour", "show_as"}
    assert county == Policy()


def test_several_mistakes(tmp_path: Path) -> None:
    """Each is told with its line, in the order of lines; a mistake in [default] is told once."""
    with pytest.raises(PolicyError) as refusal:
        _load(
            tmp_path,
            """
            [agency.b]
            colour = "sage"
            on_leave = "keep"
            [default]
            title = "{{ titel }}"
            details = "all"
            [agency.a]
            user_may_choose = [
              "colour",
              "color",
            ]
            """,
        )
    lines = [fault.partition("policies.toml:")[2].split(": ")[:2] for fault in refusal.value.faults]
    assert lines == [
        ["3", '[agency."b"] colour'],
        ["6", "[default] title"],
        ["7", "[default] details"],
        ["9", '[agency."a"] user_may_choose'],
    ]
    assert str(refusal.value).endswith("(3 more: `shiftcal policies check` lists all)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = 3", r"\[default\]: expected a table"),
        ("[defaults]\n", "unknown table or key 'defaults'"),
        ("[agency]\nmetro = 1", r'\[agency."metro"\]: expected a table'),
        ('[agency."a/b"]\n', "without /"),
        (
            '[default]\non_unpublsh = "keep"',
            r"\[default\] on_unpublsh: unknown key: expected one of synced_kinds,",
        ),
        ('[default]\non_unpublish = "freeze"', r"\[default\] on_unpublish: should be 'remove' or 'keep'"),
        ('[agency.m]\non_drift = "no"', r'\[agency."m"\] on_drift: should be'),
        ('[default]\nsynced_kinds = "shift"', r"synced_kinds: should be a list of words"),
        ("[default]\nsynced_kinds = [1]", r"synced_kinds: should be a list of words"),
        ("[default]\nhold_removals_over = {share = 0.5}", r"hold_removals_over.count: Field required"),
        (
            "[default]\nhold_removals_over = {share = 2, count = 1}",
            r"hold_removals_over.share: should be less",
        ),
        (
            '[default]\nhold_removals_over = {share = 0.5, count = "9"}',
            r"hold_removals_over.count: should be a valid int",
        ),
        ('[default]\ntitle = ""', r"title: String should have at least 1"),
        ('[default]\ntitle = "{{ titel }}"', r"title: unknown variable titel: expected shift_id, title,"),
        ('[default]\ntitle = "{{ range(9) }}"', r"title: unknown variable range"),
        ('[default]\ntitle = "{{ title"', r"title: is not a Jinja2 template: line 1"),
        (
            '[default]\ntitle = "{{ title | shout }}"',
            r"title: is not a Jinja2 template: line 1: No filter named",
        ),
        ('[default]\ntitle = "{{ title.__class__ }}"', r"title: fails on an ordinary shift"),
        ('[default]\ntitle = "{{ title.first }}"', r"title: fails on an ordinary shift"),
        (
            "[default]\ndescription = \"{% include '/etc/hostname' %}\"",
            r"description: a template cannot use other files",
        ),
        ("[default", "is not TOML"),
        (
            "[default]\n\ncolour = 6",
            r':3: \[default\] colour: should be a table such as {shift = "tangerine"}',
        ),
        (
            '[default]\ncolour = {shift = "orange"}',
            r":2: \[default\] colour.shift: should be 'lavender', 'sage', ",
        ),
        ('[default]\ncolour = {a = "sage", shift = 6}', r"colour.shift: should be 'lavender'"),
        ('[default]\nshow_as = "away"', r"show_as: should be 'busy' or 'free'"),
        ("[default]\ndetails = false", r"details: should be 'full' or 'title_only'"),
        (
            '[default]\nuser_may_choose = ["title"]',
            r"user_may_choose: should be 'colour', 'details', 'show_as' or 'target_calendar'",
        ),
        ('[default]\nuser_may_choose = "colour"', r"user_may_choose: should be a list of words"),
    ],
)
def test_a_mistake(tmp_path: Path, text: str, said: str) -> None:
    """One line names the file, the table and the key, and says what was expected."""
    with pytest.raises(PolicyError, match=said) as refusal:
        _load(tmp_path, text)
    assert str(refusal.value).startswith(str(tmp_path / "policies.toml"))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """An absent file is a mistake, not a default."""
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(tmp_path / "absent.toml")


def test_the_digest_follows_the_content() -> None:
    """Equal choices have equal digests, whatever the order they were written in; others differ."""
    one = Policy(synced_kinds=frozenset({"shift", "class"}))
    same = Policy.model_validate({"synced_kinds": ["class", "shift"]})
    assert (one.digest, hash(one)) == (same.digest, hash(same))
    assert one.digest != Policy().digest
    assert Policy(show_as="free").digest != Policy(show_as="busy").digest != Policy().digest
    assert Policy(title="{{ title }}").digest != Policy(description="{{ title }}").digest
