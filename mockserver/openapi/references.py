"""Places in a document, and the `$ref`s that lead from one to another."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import orjson
import yaml

from mockserver.errors import ConfigError

_MAX_HOPS = 64  # references that lead only to references: more than this is a circle


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a document: the document's name, and the steps from its root."""

    document: str
    steps: tuple[str, ...] = ()

    def __truediv__(self, step: str | int) -> "Place":
        """The place one step further down."""
        return Place(self.document, (*self.steps, str(step)))

    def __str__(self) -> str:
        """The name and the JSON pointer: "file.yaml: #/paths/~1x/get"."""
        steps = (step.replace("~", "~0").replace("/", "~1") for step in self.steps)
        return f"{self.document}: #{''.join('/' + step for step in steps)}"

    def refuse(self, problem: str, mend: str = "") -> NoReturn:
        """Raise ConfigError for this spot."""
        raise ConfigError(str(self), problem, mend)


@dataclass(slots=True)
class References:
    """The documents a `$ref` may lead into: the one being read, and files inside `folder`."""

    documents: dict[str, Any]
    folder: Path | None = None

    def follow(self, node: Any, place: Place) -> tuple[Any, Place]:
        """Go from a node to what it stands for, through any chain of references.

        Raises:
            ConfigError: a reference leads nowhere, outside the folder, or round in a circle.
        """
        hops = 0
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if hops == _MAX_HOPS:
                place.refuse("references lead round in a circle")
            node, place = self.resolve(node["$ref"], place / "$ref")
            hops += 1
        return node, place

    def resolve(self, reference: str, place: Place) -> tuple[Any, Place]:
        """Look up one reference written at `place`; answers the node and where it is.

        Raises:
            ConfigError: the reference leads nowhere, or outside the folder.
        """
        file, _, fragment = reference.partition("#")
        if fragment and not fragment.startswith("/"):
            place.refuse(f"the reference {reference!r} is not a JSON pointer", 'write "#/..."')
        target = Place(self._open(file, reference, place) if file else place.document)
        node = self.documents[target.document]
        for raw in fragment.split("/")[1:]:
            step = unquote(raw).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                place.refuse(f"the reference {reference!r} leads nowhere: there is no {str(target / step)!r}")
            target = target / step
        return node, target

    def _open(self, file: str, reference: str, place: Place) -> str:
        """Read another file of the folder, once; answers its name among the documents."""
        name = unquote(file)
        if "://" in name or self.folder is None:
            place.refuse(f"the reference {reference!r} leads outside this document", "copy it in")
        folder = self.folder.resolve()
        path = (folder / Path(place.document).parent / name).resolve()
        if not path.is_relative_to(folder):
            place.refuse(f"the reference {reference!r} leads outside the document's folder", "copy it in")
        inside = str(path.relative_to(folder))
        if inside not in self.documents:
            if not path.is_file():
                place.refuse(f"the reference {reference!r} leads nowhere: there is no file {inside!r}")
            self.documents[inside] = parse(path, inside)
        return inside


def parse(path: Path, name: str) -> Any:
    """Read a YAML or JSON file as JSON values (no dates, no "yes" for true, names are always strings).

    Raises:
        ConfigError: the file cannot be read or parsed; the place holds the line number.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(name, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(name, "is not UTF-8 text") from None
    is_json = path.suffix.lower() == ".json"
    if is_json or text.lstrip()[:1] == "{":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if is_json:  # otherwise it may be a flow mapping of YAML
                raise ConfigError(f"{name}:{error.lineno}", f"is not valid JSON: {error.msg}") from None
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}", f"is not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(name, f"is not valid YAML: {error}") from None
    except RecursionError:
        raise ConfigError(name, "is nested too deeply") from None


_MERGE = "tag:yaml.org,2002:merge"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML read by the rules of JSON (YAML 1.2's): a date is text, and a name given twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        """Build a mapping with the names as written (`200:` is "200")."""
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def flatten_mapping(self, node: Any) -> None:
        """Put what merge keys (`<<`) bring before the mapping's own names, once, having looked these over."""
        if hasattr(node, "is_flat"):
            return
        node.is_flat = True
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a name must be text", key.start_mark)
            if key.value in names and key.tag != _MERGE:
                problem = f"{key.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            names.add(key.value)
        super().flatten_mapping(node)


_Loader.yaml_implicit_resolvers = {}
_RESOLVERS: list[tuple[str, str, str]] = [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
]
for _tag, _pattern, _first in _RESOLVERS:
    _initials = ["" if letter == "\0" else letter for letter in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _initials)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _decimal(convert: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    return lambda loader, node: convert(loader.construct_scalar(node))


# YAML 1.1 reads 010 as eight and 1:30 as ninety; here a number is what JSON would say.
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal(int))
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal(_finite))
