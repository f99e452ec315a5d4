"""Resources are checked against FHIR R4 by the R4B models of fhir.resources.

HL7 keeps R4B backward compatible with R4 for the resource types that are mapped here. The
package's top level is R5: never import it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic_core import ValidationError

from gateway.fhir.outcome import Refusal, Skip

# Only messages that quote no value are passed on; all others are named by their kind.
_WORDS: Final = {
    "missing": "a required field is missing",
    "model_field_validation.missing": "a required field is missing",
    "extra_forbidden": "not a field of this type in FHIR R4",
    "string_type": "expected text",
    "list_type": "expected a list",
    "model_type": "expected an object",
    "dict_type": "expected an object",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "decimal_type": "expected a number",
    "string_pattern_mismatch": "the text does not have the form that FHIR R4 asks for",
    "value_error": "the value does not have the form that FHIR R4 asks for",
}


def validate(resource_type: str, resource: dict[str, Any]) -> None:
    """Nothing where the resource is valid R4; else raises Refusal with the first field at fault."""
    try:
        model_of(resource_type).model_validate(resource)
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        detail = _WORDS.get(first["type"], first["type"].replace("_", " "))
        more = e.error_count() - 1
        raise Refusal(
            Skip.INVALID, path_of(first["loc"]), f"{detail} (+{more} more)" if more else detail
        ) from None
    except (RecursionError, ArithmeticError, ValueError, TypeError):
        # fhir-core raises some of its own checks as they are, outside pydantic's error.
        raise Refusal(Skip.INVALID, "$", "the resource cannot be read as FHIR R4") from None


@cache
def model_of(resource_type: str) -> Any:
    """The R4B model of a resource type."""
    # Imported here: the models cost every other command of the program 0.2 s.
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(resource_type)


def path_of(location: tuple[int | str, ...]) -> str:
    """`$.item[2].net.value` for pydantic's location of a field."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "$" + "".join(steps)
