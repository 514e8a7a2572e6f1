"""What was measured, as a table, a page and the published document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from bench import machine, page, publish, report
from bench.catalogue import SCENARIOS, chosen, estimate
from bench.figures import Figure
from bench.machine import Load
from bench.targets import TARGETS, aimed

LOAD = Load(1.0, 1.2, 0.3, 0.9)
FIGURES = [
    aimed(Figure("4,000 single edits", 700, "changes/s", runs=(650, 700, 720), load=LOAD)),
    aimed(Figure("4,000 changes, Google 100 ms, rate against (b)", 1.1, "x", runs=(1.0, 1.1), load=LOAD)),
    Figure("produce to Google, 50/s, Google 0 ms, p50", 9, "ms",
           details={"grid": "latency", "rate": 50, "google_ms": 0, "quantile": "p50"}),
    Figure("calls per net change, (a) asks first", 2, "calls", void="1 events missing <b>"),
    Figure("calls per net change, Shiftcal", 1, "calls", 1, "equal"),
    Figure("a change on the broker", 7, "kB", details={"topics": {"shiftcal-users-changelog": 6.0, "small": 0.001}}),
    Figure("20,000 tracked shifts: ready with state", 3, "s", details={"grid": "restart", "shifts": 20_000, "how": "with state"}),
]  # fmt: skip


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return report.write(machine.describe("some Kafka"), FIGURES)


def test_the_page(results: Path) -> None:
    """It stands beside the results, holds a plot of each kind and no address to fetch from, and escapes what figures say."""
    text = page.write(results).read_text()
    assert text.count("<svg") == 5
    assert "1 events missing &lt;b&gt;" in text
    assert "<script" not in text
    assert "<link" not in text
    assert 'class="missed">missed' in text


def test_a_run_of_one_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots of what was not measured are left out."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    text = page.write(report.write(machine.describe("k"), [Figure("alone", 1, "s")])).read_text()
    assert "<svg" not in text
    assert "alone" in text


def test_the_table(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what was reached, what was missed and what is void."""
    report.show(orjson.loads(results.read_bytes())["machine"], FIGURES)
    said = capsys.readouterr().out
    assert "reached" in said
    assert "missed" in said
    assert "void" in said


def test_publishing(results: Path) -> None:
    """Every target has its row, measured or not; the text around the tables stays; what was published before is gone."""
    read = orjson.loads(results.read_bytes())
    text = publish.with_tables(f"above\n{publish.BEGIN}\nold\n{publish.END}\nbelow\n", [read])
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    assert "old" not in text
    assert "| 4,000 single edits | >= 600 changes/s | 700.0 changes/s | 10% of 3 | 0.3 cores |" in text
    assert "1.1 x (missed)" in text
    assert "void: 1 events missing" in text
    assert sum(
        line.startswith(f"| {target.name} |") for target in TARGETS for line in text.splitlines()
    ) == len(TARGETS)
    assert publish.with_tables(text, [read]) == text


def test_publishing_several_runs(results: Path) -> None:
    """A figure of a later run takes the place of the earlier one."""
    read: dict[str, Any] = orjson.loads(results.read_bytes())
    later = {**read, "figures": [{**read["figures"][0], "value": 800.0}]}
    text = publish.with_tables(f"{publish.BEGIN}{publish.END}", [read, later])
    assert "800.0 changes/s" in text
    assert "700.0 changes/s" not in text


def test_a_page_without_a_place_for_figures() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="no place for figures"):
        publish.with_tables("text", [])


def test_the_published_page_as_it_stands() -> None:
    """It has its marks and a row for every target, under the names that scenarios give."""
    text = publish.PAGE.read_text()
    table = text.partition(publish.BEGIN)[2].partition(publish.END)[0]
    assert all(f"| {target.name} |" in table for target in TARGETS)
    assert all(f"`{name}`" in text for name in SCENARIOS)


def test_scenarios_of_targets() -> None:
    """Each target names the scenario that measures it."""
    assert {target.scenario for target in TARGETS} <= SCENARIOS.keys()


def test_what_runs() -> None:
    """Without names the short ones, with `--long` all, and whatever is named; about ten minutes by default."""
    short = chosen([], with_long=False)
    assert not any(one.is_long for one in short.values())
    assert chosen([], with_long=True) == SCENARIOS
    assert list(chosen(["quota", "storm"], with_long=False)) == ["storm", "quota"]
    assert 8 * 60 <= sum(one.seconds(3) for one in short.values()) <= 16 * 60
    assert estimate({"storm": replace_seconds(90)}, 3) == "storm: about 2 minutes on two idle cores"


def replace_seconds(fixed: float) -> Any:
    return SCENARIOS["storm"]._replace(fixed=fixed, each=0)
