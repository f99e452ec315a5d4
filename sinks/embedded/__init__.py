"""The ClickHouse engine of a wheel (chdb) as a server process: nothing to install, one code path.

`EmbeddedClickHouse` ends with the program that starts it (demo, tests); `start_detached`,
`stop_detached` and `status` keep one running for `yijian clickhouse start|stop|status`.
Both speak ClickHouse's HTTP interface on 127.0.0.1 and ask for a password.
"""

from sinks.embedded.detached import Status, start_detached, status, stop_detached
from sinks.embedded.process import EmbeddedClickHouse

__all__ = ["EmbeddedClickHouse", "Status", "start_detached", "status", "stop_detached"]
