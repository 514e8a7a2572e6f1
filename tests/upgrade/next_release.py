"""The next release, made of this tree by a few replacements: another format, another step of the database, another number.

In: this tree, with git or without. Out: a directory whose packages are those of the next release. What it has new is what
docs/upgrade.md allows and asks of a release: a field of a fact and one of a row, both of format 2; a column that the release
before need not know. It is of no use to anybody, but it is there to be seen.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.e2e.google import ROOT

RELEASE: Final = "99.1.0"
FORMAT: Final = 2
ROOMS: Final = ("schemas", "planning", "gcal", "vault", "streams", "portal", "sandbox", "ops")
STEP: Final = "0099_fits_0003"

#: In which file what stands instead of what; each has to occur there once.
REPLACED: Final[dict[str, dict[str, str]]] = {
    "schemas/formats.py": {"NEWEST: Final = 1\n": "NEWEST: Final = 2\n"},
    "schemas/facts.py": {
        "from schemas.base import": "from schemas.formats import since\nfrom schemas.base import",
        "    published: Published | None = None\n": "    published: Published | None = None\n"
        "    told_by: str | None = Field(None, exclude_if=since(2))\n",
    },
    "schemas/rows.py": {
        "from pydantic.dataclasses import": "from schemas.formats import since\nfrom pydantic import Field\n"
        "from pydantic.dataclasses import",
        "    share: float = 0.0\n": "    share: float = 0.0\n"
        "    told_by: str | None = Field(None, exclude_if=since(2))\n",
    },
    "planning/contribution.py": {
        "        published=_published(publication),\n": "        published=_published(publication),\n"
        f"        told_by={RELEASE!r},\n"
    },
    "planning/contributed.py": {
        "        published=fact.published,\n": "        published=fact.published,\n"
        "        told_by=fact.told_by,\n"
    },
    "vault/migrate.py": {'NEWEST = "0003"': f'NEWEST = "{STEP}"'},
    "vault/models.py": {
        "    ended_reason: Mapped[str | None]": "    note: Mapped[str | None] = mapped_column(Text)\n"
        "    ended_reason: Mapped[str | None]"
    },
}

_STEP = f"""
import sqlalchemy as sa
from alembic import op

revision = "{STEP}"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("connections", sa.Column("note", sa.String()))


def downgrade():
    op.drop_column("connections", "note")
"""


def next_release(directory: Path) -> Path:
    """Make it there."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, replaced in REPLACED.items():
        path = directory / name
        text = path.read_text()
        for old, new in replaced.items():
            assert text.count(old) == 1, f"{name}: {old!r} stands there {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text)
    (directory / "vault/migrations/versions/step_0099.py").write_text(_STEP)
    # `importlib.metadata` finds this one first, since its directory is before the installed one's.
    about = directory / f"shiftcal-{RELEASE}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shiftcal\nVersion: {RELEASE}\n")
    return directory
