"""The folders of the room import each other as the list in its docstring says."""

import re

import mockserver.openapi as room
from tests import source_tree as source

ROOM = "mockserver.openapi"


def folder(module: str) -> str:
    """The folder of a module of the room; "" for the room's own `__init__` and for modules of other rooms."""
    return module.removeprefix(f"{ROOM}.").partition(".")[0] if module.startswith(f"{ROOM}.") else ""


def listed() -> dict[str, set[str]]:
    """The folders in the docstring, in its order, each with those that it imports."""
    lines = re.findall(r"^- `(\w+)`(?: \(([\w, ]+)\))?: ", str(room.__doc__), re.MULTILINE)
    return {name: set(filter(None, imported.split(", "))) for name, imported in lines}


def test_folders_import_exactly_what_the_docstring_lists() -> None:
    real: dict[str, set[str]] = {}
    for module in filter(folder, source.FILES):
        imported = {folder(name) for name in source.own_imports(module)} - {folder(module), ""}
        real.setdefault(folder(module), set()).update(imported)
    assert real == listed()


def test_no_folder_imports_one_that_is_listed_after_it() -> None:
    names = list(listed())
    for index, name in enumerate(names):
        assert listed()[name] <= set(names[:index]), f"{name} imports a folder that is listed after it"


def test_no_folder_imports_the_front_of_the_room() -> None:
    for module in filter(folder, source.FILES):
        assert ROOM not in source.own_imports(module), f"{module} imports {ROOM}: import the module itself"
