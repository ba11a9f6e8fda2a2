"""What the pages must name, read off the code and its data; each function yields what a page does not say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mockserver.commands.cli import COMMANDS
from mockserver.commands.options import options_of
from mockserver.contract.lifecycles import load_lifecycles
from mockserver.scenarios import scenario_names
from mockserver.scenarios.fields import ScenarioFields
from tests.documentation.pages import ROOT, Page, prose, rows, sections

FIXTURES, SPEC = ROOT / "fixtures", ROOT / "spec"


def missing_options(pages: Iterable[Page]) -> Iterator[str]:
    text = "\n".join(page.text for page in pages)
    words = set(text.replace("`", " ").replace("|", " ").split())
    for name, command in COMMANDS.items():
        if f"mockserver {name}" not in text:
            yield f"mockserver {name}"
        for option in options_of(command.options):
            if option.flag.startswith("--") and option.flag not in words:
                yield f"mockserver {name} {option.flag}"
    if "--version" not in words:
        yield "mockserver --version"


def wrong_defaults(page: Page) -> Iterator[str]:
    """The table of serve's options ends each row with the default."""
    documented = rows(page)
    for option in options_of(COMMANDS["serve"].options):
        default = {None: "none", (): "none", False: "off"}.get(option.default, f"`{option.default}`")
        row = documented.get(f"`{option.flag}`", "")
        if not row.rstrip().endswith(f"| {default} |"):
            yield f"{option.flag} is {default} by default"


def parts_of(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model within an annotation, if there is one, and how its fields' paths go on: `[]`, `.*.*` or nothing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return parts_of(inner[0])
    suffixes: dict[Any, str] = {tuple: "[]", dict: ".*"}
    suffix = suffixes.get(origin)
    if suffix is None:
        return None, ""
    model, deeper = parts_of(inner[1] if origin is dict else inner[0])
    return model, suffix + deeper


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of a model that is no part with fields of its own, by its path."""
    for name, field in model.model_fields.items():
        part, suffix = parts_of(field.annotation)
        if part is None:
            yield f"{prefix}{name}", field
        else:
            yield from leaves(part, f"{prefix}{name}{suffix}.")


def choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, UnionType):
        return tuple(choice for one in get_args(annotation) for choice in choices(one))
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def written(value: Any) -> str:
    """A default as the tables show it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list):
        return f"`[{', '.join(value)}]`"
    if hasattr(value, "isoformat"):
        return f"`{value.isoformat().replace('+00:00', 'Z')}`"
    return f"`{value}`"


def expected_rows() -> Iterator[tuple[str, list[str]]]:
    """For every field that a scenario may have: its path, and what its row must hold."""
    base = yaml.safe_load((FIXTURES / "base.yaml").read_text(encoding="utf-8"))
    yield "extends", ["`base`"]
    for path, field in leaves(ScenarioFields):
        if path == "chances":
            yield from ((f"chances.{move}", [written(chance)]) for move, chance in base["chances"].items())
            continue
        must = [f"`{choice}`" for choice in choices(field.annotation)]
        if "[]" in path:
            must.append("| required |" if field.is_required() else f"| {written(field.get_default())} |")
        elif "*" not in path and path not in ("description", "durations"):
            value: Any = base
            for key in path.split("."):
                value = value[key]
            must.append(f"| {written(value)} |" if path != "serverless" else written(value))
        yield path, must


def missing_fields(page: Page) -> Iterator[str]:
    told = rows(page)
    for path, must in expected_rows():
        row = told.get(f"`{path}`")
        if row is None and not (path == "serverless" and "`serverless`" in prose(page)):
            yield f"{path} (a row of a table that begins with it)"
        elif row is not None:
            yield from (f"{path}: {one}" for one in must if one not in row)


def missing_scenarios(page: Page) -> Iterator[str]:
    told = rows(page)
    yield from (name for name in scenario_names(FIXTURES) if f"`{name}`" not in told)


def fields_of(schema: Any, document: Any) -> Iterator[str]:
    """The names of all properties of a schema and of what it refers to."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if reference is not None:
            target = document
            for key in reference.removeprefix("#/").split("/"):
                target = target[key]
            yield from fields_of(target, document)
        yield from schema.get("properties", {})
        for name, part in schema.items():
            if name == "properties":
                for one in part.values():
                    yield from fields_of(one, document)
            elif isinstance(part, dict | list):
                yield from fields_of(part, document)
    elif isinstance(schema, list):
        for one in schema:
            yield from fields_of(one, document)


def names_of(operation: dict[str, Any], document: Any) -> set[str]:
    """Parameters, fields of the body and fields of the good answer."""
    named = set()
    for parameter in operation.get("parameters", ()):
        while "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        named.add(parameter["name"])
    return (
        named
        | set(fields_of(operation.get("requestBody", {}), document))
        | set(fields_of(operation["responses"]["200"], document))
    )


def missing_routes(page: Page) -> Iterator[str]:
    """A field counts as told where the section of its route tells it, or a section of the page it links to."""
    document = yaml.safe_load((SPEC / "control.yaml").read_text(encoding="utf-8"))
    told = sections(page)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            route = f"{method.upper()} /_mock{path}"
            section = next((text for text in told.values() if text.startswith(f"## {route}\n")), None)
            if section is None:
                yield f"{route} (a section of its own)"
                continue
            if "$ curl" not in section:
                yield f"{route}: an example"
            linked = "".join(text for anchor, text in told.items() if f"(#{anchor})" in section)
            for name in sorted(names_of(operation, document)):
                if f"`{name}`" not in section + linked:
                    yield f"{route}: {name}"


def missing_states(page: Page) -> Iterator[str]:
    told = rows(page)
    by_hand = page.text.split("<!-- generated")[0] + "".join(
        part.split("<!-- generated")[0] for part in page.text.split("<!-- end -->")[1:]
    )
    for kind, lifecycle in load_lifecycles(SPEC / "lifecycles.yaml").items():
        if f"<!-- generated: {kind} -->" not in page.text:
            yield f"{kind} (a generated part)"
        yield from (f"{kind}: {state}" for state in lifecycle.states if f"`{state}`" not in told)
        conditions = {name for move in lifecycle.moves for name in move.when | move.unless}
        yield from (f"{kind}: what {name} means" for name in sorted(conditions) if f"`{name}`" not in by_hand)
