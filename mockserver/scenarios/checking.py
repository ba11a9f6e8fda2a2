"""Checking a scenario: the place, the problem and the hint of a mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mockserver.contract.lifecycles import Lifecycle
from mockserver.errors import ConfigError
from mockserver.scenarios.building import Scenario
from mockserver.scenarios.fields import ScenarioFields
from mockserver.scenarios.names import Mistake, check_names
from mockserver.scenarios.plausibility import check_plausibility
from mockserver.scenarios.positions import at_field
from mockserver.settings import documentation
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.traffic.parsing import BadRule, build_rule


def check_scenario(
    merged: dict[str, Any],
    layers: tuple[Path, ...],
    lifecycles: Mapping[str, Lifecycle],
    catalog: Catalog,
    *,
    is_thorough: bool = False,
) -> None:
    """Check a scenario, merged of its layers (the topmost first; none of an inline one).

    `is_thorough`: also report what can be served and is hardly meant (`plausibility`).

    Raises:
        ConfigError: the file, the line and the field of the first mistake, with a hint.
    """
    try:
        fields = ScenarioFields.model_validate(merged)
    except ValidationError as error:
        raise _located(error, *layers) from None
    try:
        extended = Scenario(merged).extend_catalog(catalog)
        check_names(fields, lifecycles, extended)
        _check_faults(merged["faults"])
        if is_thorough:
            check_plausibility(fields, extended)
    except Mistake as mistake:
        raise at_field(mistake.field, mistake.problem, mistake.hint, layers) from None


def _check_faults(rules: list[dict[str, Any]]) -> None:
    """That each fault has the fields it needs and no other's. Raises Mistake."""
    for number, fields in enumerate(rules):
        try:
            build_rule("", fields)
        except BadRule as bad:
            raise Mistake(("faults", number, bad.field), bad.problem, bad.hint) from None


def _located(error: ValidationError, *paths: Path) -> ConfigError:
    first = error.errors(include_url=False)[0]
    field = tuple(part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
    message = re.sub(r"valid dictionary.*", "mapping of fields", message)
    hint = f"see {documentation('scenarios')} for the fields"
    if first["type"] == "extra_forbidden":
        known = _fields_at(ScenarioFields, field[:-1])
        close = get_close_matches(str(field[-1]), known, 1)
        message = "there is no such field"
        hint = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(known)}"
    elif first["type"] == "missing":
        message, hint = "the field is missing", "add it"
    return at_field(field, message, hint, paths)


def _fields_at(model: Any, field: tuple[int | str, ...]) -> list[str]:
    """The names of the fields of the model that a path of fields leads to."""
    for part in field:
        if isinstance(part, str) and hasattr(model, "model_fields") and part in model.model_fields:
            model = model.model_fields[part].annotation
        while not hasattr(model, "model_fields") and getattr(model, "__args__", None):
            model = next((a for a in reversed(model.__args__) if a not in (Ellipsis, type(None))), None)
    return sorted(getattr(model, "model_fields", {}))
