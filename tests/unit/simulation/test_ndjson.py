"""Lines of events, bare and with their place in Kafka."""

from __future__ import annotations

from io import BytesIO

from simulation.ndjson import Position, placed_line, read, write

EVENT = '{"specversion":"1.0","data":{"note":"中医 \\u0000 é"}}'.encode()


def test_bare_lines_come_back_to_the_byte() -> None:
    out = BytesIO()
    assert write([EVENT, EVENT], out) == 2
    lines = list(read(BytesIO(out.getvalue())))
    assert [line.value for line in lines] == [EVENT, EVENT]
    assert [line.number for line in lines] == [1, 2]
    assert {line.position for line in lines} == {None}


def test_a_line_read_back_from_kafka_keeps_its_place_and_its_bytes() -> None:
    place = Position("yijian.in.billing.his.v1", 3, 42, 1_773_705_600_123)
    line = placed_line(EVENT, place)
    assert b'"arrival":"2026-03-17T00:00:00.123' in line
    (back,) = read([line])
    assert back.position == place
    assert back.value == EVENT


def test_an_arrival_in_milliseconds_is_understood() -> None:
    line = b'{"topic":"t","partition":0,"offset":1,"arrival":5,"event":{}}'
    (back,) = read([line])
    assert back.position == Position("t", 0, 1, 5)


def test_an_unknown_arrival_is_minus_one() -> None:
    (back,) = read([b'{"topic":"t","partition":0,"offset":1,"event":{}}'])
    assert back.position == Position("t", 0, 1, -1)


def test_a_wrapper_without_a_place_gives_the_bare_event() -> None:
    (back,) = read([b'{"event":{"id":"1"}}'])
    assert back.value == b'{"id":"1"}'
    assert back.position is None


def test_what_is_not_json_is_handed_on_as_it_stands() -> None:
    (back,) = read([b"\xff{not json\r\n"])
    assert back.value == b"\xff{not json"
    assert back.position is None


def test_empty_lines_are_skipped_but_counted() -> None:
    assert [line.number for line in read([b"\n", b"  \n", EVENT + b"\n"])] == [3]
