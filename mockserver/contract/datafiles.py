"""Data files, YAML or JSON: anybody's, and our own, which are kept parsed beside our byte code."""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from mockserver.errors import ConfigError

KEPT = Path(__file__).parent / "__pycache__"


def read_file(path: Path, name: str | None = None) -> Any:
    """The JSON values of a file; `name` is what errors call it. Raises ConfigError, with the line."""
    name = name or str(path)
    text = _text(path, name)
    is_json = path.suffix.lower() == ".json"
    if is_json or text.lstrip()[:1] == "{":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if is_json:  # otherwise it may be a flow mapping of YAML
                raise ConfigError(f"{name}:{error.lineno}", f"is not valid JSON: {error.msg}", "fix the JSON") from None
    # Imported here: a server of what ships with the package, once started, reads no YAML.
    from mockserver.contract.yaml_text import parse_yaml

    return parse_yaml(text, name)


def read_own(path: Path) -> Any:
    """The JSON values of a YAML file that ships with the package.

    What has been parsed once is kept as JSON under a digest of the text, as Python keeps its byte code; where it
    cannot be kept it is parsed each time.
    """
    text = _text(path, path.name)
    kept = KEPT / f"{path.stem}.{blake2b(text.encode(), digest_size=12).hexdigest()}.json"
    with suppress(OSError, ValueError):
        return orjson.loads(kept.read_bytes())
    values = read_file(path, path.name)
    with suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        beside = kept.with_suffix(f".{os.getpid()}.tmp")
        beside.write_bytes(orjson.dumps(values))
        beside.replace(kept)
    return values


def _text(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise ConfigError(name, problem, "give the path of a file that can be read") from None
    except UnicodeDecodeError:
        raise ConfigError(name, "cannot be read: it is not UTF-8 text", "save it as UTF-8") from None
