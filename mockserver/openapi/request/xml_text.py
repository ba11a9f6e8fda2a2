"""XML bodies, read as what their schema wants."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from mockserver.errors import Invalid
from mockserver.openapi.schema.coercion import Coercion


class _Builder(TreeBuilder):
    """Builds no document that declares a type: with its own entities a small one can be made to grow without end."""

    def doctype(self, name: str, public_id: str, system: str) -> None:
        """Called where the document's type is declared."""
        raise Invalid("The request body declares a document type: send XML without one")


def parse_xml(body: bytes, coercion: Coercion) -> Any:
    """The value that a document stands for: elements and attributes are fields, repeated elements are arrays.

    Raises:
        Invalid: it is not well-formed, is nested too deeply, or declares a document type.
    """
    parser = XMLParser(target=_Builder())
    try:
        parser.feed(body)
        return _value(parser.close(), coercion)
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
    names = {_written(name, field): name for name, field in known.items()}
    fields: dict[str, list[Element]] = {}
    for child in element:
        fields.setdefault(names.get(_local(child.tag), _local(child.tag)), []).append(child)
    made: dict[str, Any] = {}
    for attribute, text in element.attrib.items():
        name = names.get(_local(attribute), _local(attribute))
        made[name] = known[name].read(text)[0] if name in known else text
    for name, given in fields.items():
        field = known.get(name)
        if field is not None and field.items is not None:
            items = list(given[0]) if len(given) == 1 and _is_wrapper(given[0], field) else given
            made[name] = [_value(item, field.items) for item in items]
        else:
            made[name] = _value(given[0], field) if len(given) == 1 else [_value(one, field) for one in given]
    return made


def _is_wrapper(element: Element, field: Coercion) -> bool:
    """Whether an element of an array's name holds the items, rather than being the one item."""
    if len(element) == 0:
        return not (element.text or "").strip()
    inner = (field.items.fields if field.items else None) or {}
    return not {_local(child.tag) for child in element} & {_written(name, one) for name, one in inner.items()}


def _written(name: str, field: Coercion) -> str:
    """How a field is called in XML."""
    schema = field.validator.schema
    xml = schema.get("xml") if isinstance(schema, dict) else None
    return str(xml.get("name", name)) if isinstance(xml, dict) else name


def _local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
