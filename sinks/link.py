"""One ClickHouse client for all threads of a sink, made when ClickHouse can first be reached."""

from __future__ import annotations

import sys
import threading

from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client

from sinks.client import connect


class Link:
    """Gives the client; raises the driver's error while ClickHouse cannot be reached."""

    def __init__(self, dsn: str, timeout_s: float) -> None:
        self._dsn = dsn
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Client | None = None

    def __call__(self) -> Client:
        with self._lock:
            if self._client is None:
                _leave_out_data_frames()
                self._client = connect(
                    self._dsn,
                    compress="lz4",
                    send_receive_timeout=self._timeout_s,
                    # A retry is ours to make, under the same token and with the state visible.
                    query_retries=0,
                )
            return self._client

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


def _leave_out_data_frames() -> None:
    """Tells the driver that pandas and numpy are not there, unless somebody uses them already.

    It would import both at the first insert, only to ask whether the rows are a data frame: a
    second of start-up and 80 MB for nothing.
    """
    for module, name in (("pandas", "pd"), ("numpy", "np")):
        if module not in sys.modules:
            vars(options).setdefault(name, None)
