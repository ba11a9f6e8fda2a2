"""Places in a document, and the `$ref`s that lead from one to another."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote

from mockserver.contract.datafiles import read_file
from mockserver.errors import ConfigError

_MAX_HOPS = 64  # references that lead only to references: more than this is a circle


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is in a document: the document's name, and the steps from its root."""

    document: str
    steps: tuple[str, ...] = ()

    def __truediv__(self, step: str | int) -> "Place":
        """The place one step further down."""
        return Place(self.document, (*self.steps, str(step)))

    def __str__(self) -> str:
        """The name and the JSON pointer: "file.yaml: #/paths/~1x/get"."""
        steps = (step.replace("~", "~0").replace("/", "~1") for step in self.steps)
        return f"{self.document}: #{''.join('/' + step for step in steps)}"

    def refuse(self, problem: str, hint: str = "") -> NoReturn:
        """Refuse what is at this place.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(str(self), problem, hint)


Located: TypeAlias = tuple[Any, Place]
"""A schema and where it is."""
Parts: TypeAlias = tuple[Located, ...]
"""Schemas about one value, all of which it must satisfy."""


@dataclass(slots=True)
class References:
    """The documents a `$ref` may lead into: the one being read, and files inside `folder`."""

    documents: dict[str, Any]
    folder: Path | None = None
    notes: dict[str, None] = field(default_factory=dict)  # a set in the order of its making

    def tolerate(self, place: Place, what: str) -> None:
        """Note a mistake in the document that does no harm."""
        self.notes[f"{place}: {what}"] = None

    def drop_nulls(self, node: dict[str, Any], place: Place, *names: str) -> None:
        """Remove the fields of these names that are null, in place: they have no meaning."""
        for name in names:
            if name in node and node[name] is None:
                del node[name]
                self.tolerate(place / name, "is null, and is taken as absent")

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
                problem = f"the reference {reference!r} leads nowhere: there is no {str(target / step)!r}"
                place.refuse(problem, "write it there, or fix the reference")
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
                problem = f"the reference {reference!r} leads nowhere: there is no file {inside!r}"
                place.refuse(problem, "put it there, or fix the reference")
            self.documents[inside] = read_file(path, inside)
        return inside
