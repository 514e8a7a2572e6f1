"""Tables on disk: Faust's RocksDB store, and one line for a person where the state directory cannot be used.

In: partitions to open, errors of RocksDB. Out: `StateUnusable`, with the cure. Not here: what is stored.
RocksDB checks every block it reads and every record of its own books, so damage is an error, not a wrong row. A damaged end
of its log is no damage: what stood there is read again from the changelog, since Faust's offset stands in the same log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from faust.stores import STORES, rocksdb

from streams.errors import StateUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from streams.faustapp import App

SCHEME = "disk"

# rocksdict has no classes for RocksDB's errors, only their texts.
_DAMAGE = re.compile(r"Corruption: ")
_DISK = re.compile(r"IO error: (?!.*(lock hold by|While lock file))", re.DOTALL)


def unusable(error: BaseException, state_dir: Path) -> StateUnusable | None:
    """Say what is wrong with the state directory; None where the error is of another kind."""
    text = " ".join(str(error).split())
    if type(error) is not Exception:
        return None
    if _DAMAGE.match(text):
        return StateUnusable(
            f"the state directory {state_dir} is damaged ({text}): remove {state_dir / 'faust'} and start the worker again, "
            "the state comes back from the changelogs"
        )
    if _DISK.match(text):
        return StateUnusable(
            f"the state directory {state_dir} cannot be read or written ({text}): see that its disk has room and works, "
            "then start the worker again; nothing is lost"
        )
    return None


class Store(rocksdb.Store):
    """Faust's store, that does not take damage for a lock."""

    def _open_for_partition(self, partition: int) -> Any:
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            app = cast("App", self.app)
            # Faust tries again for half a minute wherever it reads `lock`, and a damaged file says "block".
            if trouble := unusable(error, app.wiring.state_dir):
                app.fail(trouble)
            raise


STORES.aliases[SCHEME] = f"{__name__}:Store"
