"""The published form of the contracts: JSON Schema 2020-12 and AsyncAPI 3, from the types.

The files are generated (`yijian contracts export`) and checked in; a test holds them current.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import bundle, registry
from contracts.acts import FAMILIES, VERBS
from contracts.backfill import Backfill
from contracts.decision import (
    ActivityHeaders,
    Alert,
    DeadLetterHeaders,
    Decision,
    KindHeaders,
    OriginHeaders,
    Repeat,
)
from contracts.intake import SHAPES, Reason
from contracts.lapse import Lapse
from contracts.tie import Forwarded, Tie
from contracts.topics import Topics

FOLDER: Final = Path(__file__).parent / "published"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = "#/$defs/{name}"


def documents() -> dict[str, dict[str, Any]]:
    """File name to document, for everything that is published."""
    out = {f"{family}.v1.schema.json": event_schema(family) for family in FAMILIES}
    out["decision.v1.schema.json"] = _record_schema(Decision, "A decision about one event")
    out["repeat.v1.schema.json"] = _record_schema(Repeat, "The answer to an event that came before")
    out["backfill.v1.schema.json"] = _record_schema(Backfill, "Past acts were brought in here")
    out["forward.v1.schema.json"] = _record_schema(
        Forwarded, "An event is answered where its subject is remembered", "forward"
    )
    out["tie.v1.schema.json"] = _record_schema(Tie, "A message about identities was taken here")
    out["lapse.v1.schema.json"] = _record_schema(Lapse, "A timer fired with nothing to say here")
    out["alert.v1.schema.json"] = _record_schema(Alert, "One finding, for live listeners")
    out["registry.v1.schema.json"] = _record_schema(
        registry.Registered, "One registered institution, practitioner, device or bed", "registry"
    )
    for file, (kind, title) in bundle.schemas().items():
        out[file] = _record_schema(kind, title)
    out["asyncapi.json"] = asyncapi()
    return out


def event_schema(family: str) -> dict[str, Any]:
    """JSON Schema of all events of a family. Fields it does not name are accepted."""
    (root,), defs = msgspec.json.schema_components([SHAPES[family]], ref_template=_TEMPLATE)
    envelope = defs[_name_of(root)]
    envelope["properties"]["type"] = {"enum": [f"{family}.{verb}.v1" for verb in VERBS[family]]}
    return {
        "$schema": _DIALECT,
        "$id": f"urn:yijian:schema:{family}:v1",
        "title": f"{family} events, version 1",
        **root,
        "$defs": _open({name: defs[name] for name in sorted(defs)}),
    }


def _record_schema(kind: Any, title: str, name: str = "") -> dict[str, Any]:
    (root,), defs = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    name = name or kind.__name__.lower()
    return {
        "$schema": _DIALECT,
        "$id": f"urn:yijian:schema:{name}:v1",
        "title": title,
        **root,
        "$defs": {n: defs[n] for n in sorted(defs)},
    }


def _name_of(root: Mapping[str, Any]) -> str:
    return str(root["$ref"]).rsplit("/", 1)[1]


def _open(node: Any) -> Any:
    """Intake accepts unknown fields and counts them: the schema must not forbid them."""
    if isinstance(node, dict):
        return {k: _open(v) for k, v in node.items() if k != "additionalProperties" or v}
    if isinstance(node, list):
        return [_open(v) for v in node]
    return node


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: every topic, what it carries, its key and headers."""
    topics = Topics()
    system = topics.systems[0]
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}

    def channel(name: str, address: str, message: str, title: str, action: str) -> None:
        channels[name] = {
            "address": address,
            "title": title,
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
            "bindings": {"kafka": {"bindingVersion": "0.5.0"}},
        }
        operations[f"{action}_{name}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{name}"},
        }

    for family in FAMILIES:
        messages[family] = _message(f"{family}.v1.schema.json", "the subject, `namespace|id`")
        address = topics.intake(family, "{system}")
        channel(f"intake_{family}", address, family, f"{family} events from a system", "receive")
        channels[f"intake_{family}"]["parameters"] = {
            "system": {"description": "the source system", "default": system}
        }
    messages["decision"] = _message(
        "decision.v1.schema.json",
        "the subject, or the one under which the person is remembered",
        _headers({**_ORIGIN, **_DECISION}),
    )
    messages["alert"] = _message("alert.v1.schema.json", "the subject", _headers(_ORIGIN))
    messages["dead_letter"] = {
        "contentType": "application/octet-stream",
        "summary": "A refused record: its value is the refused bytes, the reason is in headers.",
        "headers": _headers(_DEAD),
        "bindings": _kafka_key("the refused record's key"),
    }
    messages["rekeyed"] = {
        "contentType": "application/json",
        "summary": "An intake record moved to the partition of its key.",
        "headers": _headers(_ORIGIN),
        "bindings": _kafka_key("the subject"),
    }
    messages["activity"] = {
        "contentType": "application/json",
        "summary": "An event, as it came, for one of the groups that its act belongs to or left.",
        "headers": _headers({**_ORIGIN, **_ACTIVITY}),
        "bindings": _kafka_key("`g|`, the facts, `|`, their values"),
    }
    channel("decisions", topics.decisions, "decision", "Decisions, one an event", "send")
    messages["repeat"] = _message(
        "repeat.v1.schema.json", "the subject", _headers({**_ORIGIN, **_REPEAT})
    )
    channels["decisions"]["messages"]["repeat"] = {"$ref": "#/components/messages/repeat"}
    messages["backfill"] = _message(
        "backfill.v1.schema.json", "none", _headers({**_ORIGIN, **_BACKFILL})
    )
    channels["decisions"]["messages"]["backfill"] = {"$ref": "#/components/messages/backfill"}
    for name, says in (("forward", _FORWARD), ("tie", _TIE), ("lapse", _LAPSE)):
        schema = f"{name}.v1.schema.json"
        messages[name] = _message(schema, "the subject", _headers({**_ORIGIN, **says}))
        channels["decisions"]["messages"][name] = {"$ref": f"#/components/messages/{name}"}
    messages["message"] = {
        "contentType": "application/octet-stream",
        "summary": "Between subjects that are one person: what is remembered moves, events follow.",
        "headers": _headers({**_ORIGIN, **_MESSAGE}),
        "bindings": _kafka_key("the receiving subject"),
    }
    channel("alerts", topics.alerts, "alert", "Alerts, for live listeners", "send")
    channel("dead_letters", topics.dead_letters, "dead_letter", "Refused records", "send")
    channel("activities", topics.activities, "activity", "Internal: events for groups", "send")
    channels["activities"]["messages"]["message"] = {"$ref": "#/components/messages/message"}
    channel("rekeyed", topics.rekeyed, "rekeyed", "Internal: misplaced records", "send")
    messages["bundle"] = _message("bundle.v1.schema.json", "`content/` and the digest")
    messages["activation"] = _message(
        "signed.v1.schema.json", "`activation/`, the channel, `/` and the sequence in 12 digits"
    )
    channel("bundles", topics.bundles, "bundle", "Signed rules and knowledge", "receive")
    channels["bundles"]["messages"]["activation"] = {"$ref": "#/components/messages/activation"}
    messages["registry"] = _message("registry.v1.schema.json", "`kind/institution/id`")
    channel("registry", topics.registry, "registry", "What is registered", "receive")
    return {
        "asyncapi": "3.0.0",
        "id": "urn:yijian:asyncapi:v1",
        "info": {
            "title": "Yijian (医监)",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": "Topics of the medical supervision rules engine. "
            "All topics but bundles and registry (which have one partition) have one partition "
            "count; the key decides the partition (murmur2).",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


_ORIGIN: Final = {
    OriginHeaders.TOPIC: "topic of the intake record",
    OriginHeaders.PARTITION: "its partition",
    OriginHeaders.OFFSET: "its offset",
    OriginHeaders.RECEIVED_MS: "when the broker appended it, milliseconds since 1970",
}
_ACTIVITY: Final = {
    ActivityHeaders.SUPERSEDED: "a later revision, which came before, does not name the group",
}
_REPEAT: Final = {KindHeaders.KIND: "`repeat`; decisions have none, or `interrupted`"}
_BACKFILL: Final = {KindHeaders.KIND: "`backfill`"}
_FORWARD: Final = {KindHeaders.KIND: "`forward`"}
_TIE: Final = {KindHeaders.KIND: "`tie`"}
_LAPSE: Final = {KindHeaders.KIND: "`lapse`"}
_MESSAGE: Final = {
    ActivityHeaders.MESSAGE: "`join`, `go`, `moved` or `forward`",
    ActivityHeaders.CLOCKS: "on `moved`: how late it is for each source, as JSON",
}
_DECISION: Final = {
    KindHeaders.GENERATION: "of a person with several identities: of two decisions of one identity "
    "the higher one stands, in whatever partition",
}
_DEAD: Final = {
    DeadLetterHeaders.TOPIC: "topic of the refused record",
    DeadLetterHeaders.PARTITION: "its partition",
    DeadLetterHeaders.OFFSET: "its offset",
    DeadLetterHeaders.REASON: "why it was refused",
    DeadLetterHeaders.PATH: "the field",
    DeadLetterHeaders.DETAIL: "what was expected",
    DeadLetterHeaders.RECEIVED_MS: "when the broker appended it, milliseconds since 1970",
}


def _headers(names: Mapping[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {n: {"type": "string", "description": d} for n, d in names.items()}
    if DeadLetterHeaders.REASON in properties:
        properties[DeadLetterHeaders.REASON]["enum"] = [r.value for r in Reason]
    return {"type": "object", "properties": properties}


def _kafka_key(says: str) -> dict[str, Any]:
    key = {"type": "string", "description": says}
    return {"kafka": {"key": key, "bindingVersion": "0.5.0"}}


def _message(schema: str, key: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{schema}"},
        },
        "bindings": _kafka_key(key),
    }
    if headers is not None:
        message["headers"] = headers
    return message


def render(document: Mapping[str, Any]) -> str:
    """The document as it is checked in."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def export(folder: Path = FOLDER) -> list[Path]:
    """Write every document; the written paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in documents().items():
        path = folder / name
        path.write_text(render(document), encoding="utf-8")
        written.append(path)
    return written
