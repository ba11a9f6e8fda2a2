"""XML bodies, parsed by defusedxml and converted by their schema."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mockserver.errors import Invalid
from mockserver.openapi.schema.coercion import Coercion


def parse_xml(body: bytes, coercion: Coercion) -> Any:
    """The value of a document: elements and attributes are fields, repeated elements are arrays.

    Raises:
        Invalid: it is not well-formed, is nested too deeply, or declares a document type (whose entities could make a
            small body grow without end).
    """
    try:
        return _value(fromstring(body, forbid_dtd=True), coercion)
    except DefusedXmlException:
        raise Invalid("The request body declares a document type: send XML without one") from None
    except ParseError as error:
        raise Invalid(f"The request body is not well-formed XML: {error}") from None
    except (ValueError, LookupError) as error:  # an encoding that is not known
        raise Invalid(f"The request body is not readable XML: {error}") from None
    except RecursionError:
        raise Invalid("The request body is nested too deeply") from None


def _value(element: Element, coercion: Coercion | None) -> Any:
    if coercion is not None and coercion.items is not None and not coercion.fields:
        return [_value(child, coercion.items) for child in element]
    if len(element) or element.attrib or (coercion is not None and coercion.fields):
        return _object(element, (coercion.fields if coercion else None) or {})
    text = element.text or ""
    return text if coercion is None else coercion.read(text)[0]


def _object(element: Element, known: dict[str, Coercion]) -> dict[str, Any]:
    names = {_xml_name(name, field): name for name, field in known.items()}
    fields: dict[str, list[Element]] = {}
    for child in element:
        fields.setdefault(names.get(_local(child.tag), _local(child.tag)), []).append(child)
    value: dict[str, Any] = {}
    for attribute, text in element.attrib.items():
        name = names.get(_local(attribute), _local(attribute))
        value[name] = known[name].read(text)[0] if name in known else text
    for name, given in fields.items():
        field = known.get(name)
        if field is not None and field.items is not None:
            items = list(given[0]) if len(given) == 1 and _is_wrapper(given[0], field) else given
            value[name] = [_value(item, field.items) for item in items]
        else:
            value[name] = _value(given[0], field) if len(given) == 1 else [_value(child, field) for child in given]
    return value


def _is_wrapper(element: Element, field: Coercion) -> bool:
    """Whether an element of an array's name holds the items, rather than being the one item."""
    if len(element) == 0:
        return not (element.text or "").strip()
    inner = (field.items.fields if field.items else None) or {}
    return not {_local(child.tag) for child in element} & {_xml_name(name, item) for name, item in inner.items()}


def _xml_name(name: str, field: Coercion) -> str:
    """The name of a field in XML: `xml.name` of its schema, or its own."""
    schema = field.validator.schema
    xml = schema.get("xml") if isinstance(schema, dict) else None
    return str(xml.get("name", name)) if isinstance(xml, dict) else name


def _local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
