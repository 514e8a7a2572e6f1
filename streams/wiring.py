"""What an app is built from, and the Faust settings that follow from it.

In: plain values. Out: `Wiring`, the options of `faust.App` and of its RocksDB tables. Not here: the app.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mode import CrashingSupervisor

from streams import disk_store, memory_store
from streams.security import Broker
from streams.transport import Table, TableManager

MAX_FETCH = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything the app is built from."""

    app_id: str
    broker: Broker
    state_dir: Path
    partitions: int
    owned_topic: str
    """The topic whose partitions `Lifecycle.opened` names: `user-facts`."""
    store: Literal["rocksdb", "memory"] = "rocksdb"
    instance_id: str | None = None
    commit_interval: float = 0.5
    session_timeout: float = 10.0
    heartbeat_interval: float = 2.0
    rebalance_timeout: float = 30.0
    fetch_wait_ms: int = 100
    hard_exit: bool = True
    """False only for guests of a process that must live on: tests and the demo."""


def rocksdb_options() -> dict[str, Any]:
    """Small caches, since there is one database per table and partition (Faust's default is 2 GiB each).

    A fresh dict each time: the store pops from it. Never a `ttl`: it expires rows, and Faust's own offset with them.
    """
    return {
        "driver": "rocksdict",
        "block_cache_size": 2 << 20,
        "write_buffer_size": 1 << 20,
        "target_file_size_base": 16 << 20,
        "max_open_files": 64,
    }


def faust_options(wiring: Wiring) -> dict[str, Any]:
    """Every setting of Faust that is not left at its default."""
    store = {"rocksdb": f"{disk_store.SCHEME}://", "memory": f"{memory_store.SCHEME}://"}[wiring.store]
    return {
        "broker": wiring.broker.faust_urls(),
        "broker_credentials": wiring.broker.faust_credentials(),
        "broker_client_id": "shiftcal",
        "store": store,
        "datadir": str(wiring.state_dir / "faust"),
        "autodiscover": False,
        "agent_supervisor": CrashingSupervisor,
        "Table": Table,
        "TableManager": TableManager,
        "processing_guarantee": "at_least_once",
        "stream_wait_empty": True,
        "stream_buffer_maxsize": 1000,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": MAX_FETCH,
        # As many as are unpacked in one go, some 10 ms. Without a limit that is all that was fetched, a million of small ones.
        "broker_max_poll_records": 5_000,
        "consumer_group_instance_id": wiring.instance_id,
        "producer_max_request_size": MAX_FETCH,
        # Only changelogs go this way, and nobody waits for them but the acks: a few to a request spare both sides work.
        "producer_linger": 0.02,
        # A message that moves a thousand shifts writes as many rows; with Faust's 16 kB each batch would wait for the one before.
        "producer_max_batch_size": 1 << 18,
        "producer_acks": -1,
        "broker_commit_interval": wiring.commit_interval,
        "broker_session_timeout": wiring.session_timeout,
        "broker_heartbeat_interval": wiring.heartbeat_interval,
        "broker_rebalance_timeout": wiring.rebalance_timeout,
        "broker_request_timeout": 90.0,
        "topic_partitions": wiring.partitions,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "web_enabled": False,
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "web_bind": "127.0.0.1",
    }


def silence() -> None:
    """Keep the libraries to warnings: at INFO they print tables at each rebalance."""
    for name in ("faust", "mode", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
