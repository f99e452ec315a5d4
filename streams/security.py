"""One set of connection options, in librdkafka's words, for every client in the worker."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from streams.errors import ConfigurationError

_SASL: Final = {
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "sasl.kerberos.service.name": "sasl_kerberos_service_name",
}
_SSL: Final = frozenset(
    {
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
    }
)
_PROTOCOL: Final = "security.protocol"


def check_options(options: Mapping[str, str]) -> None:
    """Raises ConfigurationError where an option is not one that all clients understand."""
    unknown = sorted(options.keys() - _SASL.keys() - _SSL - {_PROTOCOL})
    if unknown:
        raise ConfigurationError(
            f"Kafka options the worker cannot pass to all its clients: {', '.join(unknown)}; "
            f"known are {', '.join(sorted({_PROTOCOL, *_SASL, *_SSL}))}"
        )


def aiokafka_options(options: Mapping[str, str]) -> dict[str, Any]:
    """The same options as keyword arguments of an aiokafka client."""
    check_options(options)
    arguments: dict[str, Any] = {
        ours: options[theirs] for theirs, ours in _SASL.items() if theirs in options
    }
    protocol = options.get(_PROTOCOL, "PLAINTEXT").upper()
    arguments["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = _ssl_context(options)
    return arguments


def _ssl_context(options: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl.ca.location"))
    if certificate := options.get("ssl.certificate.location"):
        context.load_cert_chain(
            certificate, options.get("ssl.key.location"), options.get("ssl.key.password")
        )
    if options.get("ssl.endpoint.identification.algorithm", "https") == "none":
        context.check_hostname = False
    if options.get("enable.ssl.certificate.verification", "true").lower() == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
