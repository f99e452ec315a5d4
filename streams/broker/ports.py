"""Free loopback ports for servers that other processes keep reconnecting to."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Final

from streams.broker.errors import BrokerStartError
from streams.broker.server_config import Ports

# Below the ports that Linux (32768…) and macOS (49152…) give to outgoing connections. A client
# that keeps trying a port in that range while its server restarts can be given the very same port
# as its own: it is then connected to itself, and the server cannot have its port back.
_RANGE: Final = range(20_000, 32_000)
_TRIES: Final = 200


def free_ports() -> Ports:
    """Two ports nobody listens on now; another process may still be quicker to take them."""
    found: list[int] = []
    for port in random.sample(_RANGE, _TRIES):
        if is_free(port):
            found.append(port)
        if len(found) == 2:
            return Ports(*found)
    raise BrokerStartError(f"found no two free ports on 127.0.0.1 in {_TRIES} tries in {_RANGE}")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
            return True
    return False


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
