from __future__ import annotations

import base64

import pytest

from sinks.embedded.forms import parse_form
from sinks.embedded.requests import parse_target
from sinks.embedded.statuses import http_status
from sinks.errors import EngineError


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_parameters_are_sorted_into_transport_bindings_and_settings() -> None:
    target = parse_target(
        "/?query=SELECT+%7Bx%3AString%7D&param_x=%C3%A9%00+%27&database=d&max_threads=2"
        "&wait_end_of_query=1&session_id=s&client_protocol_version=54405&role=a&role=b",
        {},
    )

    assert target.query == b"SELECT {x:String}"
    assert target.parameters == {"x": "é\x00 '"}
    assert target.settings() == {"max_threads": "2"}
    assert (target.database, target.session_id, target.roles) == ("d", "s", ("a", "b"))
    assert target.flag("wait_end_of_query")


def test_a_query_of_any_bytes_survives_the_url() -> None:
    assert parse_target("/?query=SELECT+%27%FF%FE%27", {}).query == b"SELECT '\xff\xfe'"


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/", {}, ("default", "", False)),
        ("/?user=u&password=p", {}, ("u", "p", True)),
        ("/?password=p", {}, ("default", "p", True)),
        ("/?user=u&password=p", {"X-ClickHouse-Key": "k"}, ("default", "k", True)),
        ("/", {"X-ClickHouse-User": "h", "X-ClickHouse-Key": "k"}, ("h", "k", True)),
        ("/", basic("b:p:w"), ("b", "p:w", True)),
        ("/", {"Authorization": "Basic ###"}, ("default", "", True)),
    ],
)
def test_credentials_are_found_wherever_clickhouse_takes_them(
    target: str, headers: dict[str, str], expected: tuple[str, str, bool]
) -> None:
    found = parse_target(target, headers).credentials

    assert (found.user, found.password, found.given) == expected


def test_only_the_right_user_with_the_right_password_passes() -> None:
    credentials = parse_target("/?user=é&password=p", {}).credentials

    credentials.check("é", "p")
    for user, password in (("é", "q"), ("default", "p"), ("é", "")):
        with pytest.raises(EngineError, match="516"):
            credentials.check(user, password)


@pytest.mark.parametrize("timeout", ["-1", "x", "3601"])
def test_a_session_timeout_out_of_bounds_is_refused(timeout: str) -> None:
    with pytest.raises(EngineError, match="INVALID_SESSION_TIMEOUT"):
        _ = parse_target(f"/?session_timeout={timeout}", {}).session_timeout_s


def test_a_binding_that_is_no_name_is_refused() -> None:
    with pytest.raises(EngineError, match="identifier"):
        _ = parse_target("/?param_a%20%3D%201%2C%20b=1", {}).parameters


def test_a_form_keeps_fields_as_text_and_files_byte_for_byte() -> None:
    data = b"1,\r\n\r\n--almost\r\n\x00\xff"
    body = (
        b'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n'
        b'--B\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n\xc3\xa9\r\n'
        b'--B\r\nContent-Disposition: form-data; name="t"; filename="t.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + data + b"\r\n--B--\r\n"
    )

    form = parse_form(body, 'multipart/form-data; boundary="B"')

    assert (form.query, form.parameters, form.files) == (b"SELECT 1", {"x": "é"}, {"t": data})
    assert form.table_parameters == {"t_structure", "t_types", "t_format"}


def test_a_form_without_boundary_or_names_is_refused() -> None:
    with pytest.raises(EngineError, match="boundary"):
        parse_form(b"", "multipart/form-data")
    with pytest.raises(EngineError, match="name"):
        parse_form(b"--B\r\nX: y\r\n\r\nz\r\n--B--\r\n", "multipart/form-data; boundary=B")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(62, 400), (27, 400), (60, 404), (81, 404), (115, 404), (516, 403), (194, 401)],
        *[(48, 501), (159, 408), (229, 413), (439, 503), (252, 500), (395, 500), (0, 500)],
    ],
)
def test_a_code_has_the_status_of_a_real_server(code: int, status: int) -> None:
    assert http_status(code) == status
