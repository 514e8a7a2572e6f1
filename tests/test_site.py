"""The pages as a site: what is built is whole, needs nobody else, and does not hold what it should not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
#: What a browser would fetch by itself, as opposed to what somebody may click on.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'> ]+)"
)
IMPORTED = re.compile(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"') ]+)")


def build(pages: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """A strict build of these pages, as `make check` makes it."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--config-file",
            "mkdocs.yml",
            "--site-dir",
            str(site),
        ],
        cwd=pages,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the repository as it is."""
    found = tmp_path_factory.mktemp("site")
    done = build(ROOT, found)
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Pages of which one may be spoiled, with the code that they link to."""
    for name in ("docs", ".ci", "deploy", "portal"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


def test_a_site_without_a_network(site: Path) -> None:
    """Nothing that a page or a style sheet loads comes from elsewhere."""
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert len(pages) > 10
    assert styles
    assert [(page.name, found) for page in pages for found in FETCHED.findall(page.read_text())] == []
    assert [(style.name, found) for style in styles for found in IMPORTED.findall(style.read_text())] == []


def test_schemas_on_the_site(site: Path) -> None:
    """Each can be had from a page."""
    text = (site / "contract.html").read_text()
    files = [*(ROOT / "docs" / "schemas").glob("*.json"), ROOT / "docs" / "asyncapi.yaml"]
    for file in files:
        path = file.relative_to(ROOT / "docs").as_posix()
        assert f'href="{path}"' in text, path
        assert (site / path).read_text() == file.read_text()


def test_a_link_into_the_code(site: Path) -> None:
    """The path stands there, and no link: a site has no code beside it."""
    text = (site / "runbook.html").read_text()
    assert "<code>deploy/prometheus/rules.yml</code>" in text
    assert [page.name for page in site.rglob("*.html") if re.search(r'href="\.\./\w', page.read_text())] == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("[a](nowhere.md)", "nowhere.md"),
        ("[a](contract.md#nothing)", "#nothing"),
        ("[a](../streams/nothing.py)", "../streams/nothing.py"),
        ("[a](/contract.html)", "/contract.html"),
        ("![a](pictures/nothing.png)", "pictures/nothing.png"),
    ],
)
def test_a_link_that_leads_nowhere(copy: Path, link: str, said: str) -> None:
    """A page with one is not built, and the link is named."""
    with (copy / "docs" / "glossary.md").open("a") as page:
        page.write(f"\n{link}\n")
    done = build(copy, copy / "site")
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_a_page_that_nobody_finds(copy: Path) -> None:
    """A page without its line in the nav is not built."""
    (copy / "docs" / "lost.md").write_text("# Lost\n")
    done = build(copy, copy / "site")
    assert (done.returncode, "lost.md" in done.stderr) == (1, True), done.stderr


def test_what_is_served() -> None:
    """On this machine alone."""
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text())["dev_addr"] == "127.0.0.1:8000"
