"""Messages between subjects without Kafka: each is taken at once, in the order of sending."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from contracts.tie import FORWARD
from rules.memory.ties import Mail
from streams.answers import Answer, DeadLetter, Forwarded, Result
from streams.past import Message
from streams.supervision import Supervisor
from yijian.remembering import Remembered


class Post:
    """Delivers messages to subjects that are all remembered in one place."""

    def __init__(self, supervisor: Supervisor, past: Remembered) -> None:
        self._supervisor = supervisor
        self._past = past
        self._count = 0

    def delivered(self, mails: Iterable[Mail], received_ms: int | None) -> Iterator[Result]:
        """The answers to events that were forwarded; `received_ms` is when the broker took them.

        What these lead to in turn is delivered too.
        """
        waiting = deque(mails)
        while waiting:
            mail = waiting.popleft()
            subject = mail.to.encode("utf-8", "surrogatepass")
            if mail.kind == FORWARD:
                result = self._supervisor.supervise(
                    mail.value, None, received_ms, self._past, subject
                )
                yield result
                waiting.extend(mails_of(result))
                continue
            self._count += 1
            message = Message(mail.kind, subject, mail.value, f"\x1f{self._count}")
            told = self._supervisor.hear(message, self._past)
            if isinstance(told, DeadLetter):
                yield told
            elif told is not None:
                waiting.extend(told.mails)


def mails_of(result: Result) -> tuple[Mail, ...]:
    """What other subjects are to be told because of an event."""
    if isinstance(result, Forwarded):
        return (result.mail,)
    return result.mails if isinstance(result, Answer) else ()
