"""What a signal may do in the thread that it interrupts."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from sinks.signals import stopping


class Stop(threading.Event):
    """An event that knows who set it."""

    setter: threading.Thread | None = None

    def set(self) -> None:
        self.setter = threading.current_thread()
        super().set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event_but_never_in_the_thread_that_it_interrupts(
    number: signal.Signals,
) -> None:
    stop = Stop()
    with stopping(stop):
        os.kill(os.getpid(), number)
        assert stop.wait(10)

    assert stop.setter not in (None, threading.main_thread())


def test_afterwards_signals_are_handled_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = Stop()
    with stopping(stop):
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before
    assert (stop.is_set(), [t.name for t in threading.enumerate() if t.name == "signals"]) == (
        False,
        [],
    )


def test_another_thread_cannot_take_signals() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def elsewhere() -> None:
        with stopping(threading.Event()):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    assert seen == [before]
