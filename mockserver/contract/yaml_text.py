"""YAML read with the types of JSON, so that any value read can be written as JSON."""

import math
import re
from collections.abc import Callable
from typing import Any

import yaml

from mockserver.errors import ConfigError


def parse_yaml(text: str, name: str) -> Any:
    """JSON values of YAML: no dates, no "yes" for true, names are always strings and never given twice.

    Raises ConfigError, with the line, where it is malformed.
    """
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}", f"is not valid YAML: {error.problem}", "fix the YAML") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(name, f"is not valid YAML: {' '.join(str(error).split())}", "fix the YAML") from None
    except RecursionError:
        raise ConfigError(name, "is nested too deeply") from None


_MERGE = "tag:yaml.org,2002:merge"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Base):  # type: ignore[misc]
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


Loader.yaml_implicit_resolvers = {}
_RESOLVERS: list[tuple[str, str, str]] = [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
]
for _tag, _pattern, _first in _RESOLVERS:
    _initials = ["" if letter == "\0" else letter for letter in _first]
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _initials)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _decimal(convert: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    return lambda loader, node: convert(loader.construct_scalar(node))


# YAML 1.1 reads 010 as eight and 1:30 as ninety; here a number is what JSON would say.
Loader.add_constructor("tag:yaml.org,2002:int", _decimal(int))
Loader.add_constructor("tag:yaml.org,2002:float", _decimal(_finite))
