"""The keywords that combine schemas: `$ref`, allOf, anyOf, oneOf, not, if/then/else."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver.openapi.schema.checks import Builder, Check, accept, misused
from mockserver.openapi.schema.objects import subschemas
from mockserver.openapi.schema.problems import LEFT_OUT, Path, Problem
from mockserver.openapi.schema.references import Place

_CHOICE_KEYWORDS = frozenset(
    {"required", "title", "description"}
)  # keywords of a branch that only chooses which fields there are
_OPEN_KEYWORDS = frozenset(
    {"type", "properties", "title", "description", "example", "default"}
)  # keywords of a branch that takes any other field too
_TYPE_KEYWORDS = frozenset({"type", "enum", "const"})  # a value that breaks one of these was not meant for that branch


class Choice(NamedTuple):
    """Branches that only say which fields are required: those of all branches, and those that tell branches apart."""

    common: frozenset[str]
    distinguishing: frozenset[str]


def branches(schema: dict[str, Any], keyword: str, place: Place) -> list[tuple[Any, Place]]:
    """The subschemas of allOf, anyOf or oneOf and where they are; none when it is absent."""
    given = schema.get(keyword, [])
    if not isinstance(given, list):
        misused(place, keyword, "a list of schemas")
    return [(subschema, place / keyword / index) for index, subschema in enumerate(given)]


def composition_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """The checks of all keywords that combine schemas."""
    for keyword in ("$defs", "definitions"):  # compiled only to refuse what is wrong in them
        for name, subschema in subschemas(schema, keyword, place).items():
            builder.descend(subschema, place / keyword / name)
    if "$ref" in schema:
        yield builder.target(schema["$ref"], place / "$ref")
    for keyword in ("allOf", "anyOf", "oneOf"):
        if schema.get(keyword) == []:
            builder.references.tolerate(place / keyword, "is an empty list, and says nothing")
    for subschema, at in branches(schema, "allOf", place):
        yield builder.same(subschema, at)
    if alternatives := branches(schema, "anyOf", place):
        checks = tuple(builder.same(subschema, at) for subschema, at in alternatives)
        yield _check_any(checks, _choice(builder, alternatives))
    if kinds := branches(schema, "oneOf", place):
        # With a discriminator, kinds that allow the same value are told apart by it.
        checks, choice = tuple(builder.same(subschema, at) for subschema, at in kinds), _choice(builder, kinds)
        catch_all = _catch_all_branches(builder, kinds)
        yield (
            _check_any(checks, choice, "oneOf") if "discriminator" in schema else _check_one(checks, choice, catch_all)
        )
    if "not" in schema:
        yield _check_not(builder.same(schema["not"], place / "not"))
    ways = {
        word: builder.same(schema[word], place / word) if word in schema else accept for word in ("if", "then", "else")
    }
    if "if" in schema:
        yield _check_if(ways["if"], ways["then"], ways["else"])


def passes(check: Check, value: Any) -> bool:
    """Whether the value passes the check."""
    wrong: list[Problem] = []
    check(value, (), wrong)
    return not wrong


def _check_any(checks: tuple[Check, ...], choice: Choice | None, keyword: str = "anyOf") -> Check:
    def check_any(value: Any, path: Path, out: list[Problem]) -> None:
        failures = []
        for check in checks:
            wrong: list[Problem] = []
            check(value, path, wrong)
            if not wrong:
                return
            failures.append(wrong)
        out.extend(_no_match(failures, value, path, keyword, choice))

    return check_any


def _check_one(checks: tuple[Check, ...], choice: Choice | None, catch_all: frozenset[int]) -> Check:
    def check_one(value: Any, path: Path, out: list[Problem]) -> None:
        failures = []
        meant = 0
        for index, check in enumerate(checks):
            wrong: list[Problem] = []
            check(value, path, wrong)
            if wrong:
                failures.append(wrong)
            elif index not in catch_all:
                meant += 1
        matched = len(checks) - len(failures)
        if meant > 1:
            out.append(Problem(path, "oneOf", f"must be of exactly one of the kinds allowed, not {matched}"))
        elif matched == 0:
            out.extend(_no_match(failures, value, path, "oneOf", choice))

    return check_one


def _catch_all_branches(builder: Builder, kinds: list[tuple[Any, Place]]) -> frozenset[int]:
    """The branches of a request's `oneOf` that accept values meant for another branch: no field required, or any bytes.

    The API's own document has both: arguments that are all optional, and a file or its URL.
    """
    if builder.direction != "request" or len(kinds) < 2:
        return frozenset()
    catch_all = set()
    for index, (kind, at) in enumerate(kinds):
        branch, _ = builder.references.follow(kind, at)
        if not isinstance(branch, dict):
            continue
        if branch.get("format") == "binary":
            catch_all.add(index)
        elif "properties" in branch and branch.keys() <= _OPEN_KEYWORDS:
            catch_all.add(index)
            builder.references.tolerate(at, "wants no field: what another kind of the oneOf takes is let through")
    return frozenset(catch_all)


def _choice(builder: Builder, kinds: list[tuple[Any, Place]]) -> Choice | None:
    """The choice of a request's branches that only say which fields are required; None where branches say more.

    Such a choice may be left out: official clients leave it to the service.
    """
    if builder.direction != "request" or len(kinds) < 2:
        return None
    if not all(
        isinstance(kind, dict) and kind.get("required") and kind.keys() <= _CHOICE_KEYWORDS for kind, _ in kinds
    ):
        return None
    names = [frozenset(map(str, kind["required"])) for kind, _ in kinds]
    common = frozenset.intersection(*names)
    distinguishing = frozenset.union(*names) - common
    return Choice(common, distinguishing) if all(required - common for required in names) else None


def _no_match(
    failures: list[list[Problem]], value: Any, path: Path, keyword: str, choice: Choice | None
) -> list[Problem]:
    """The problems when no branch matched; a problem LEFT_OUT where no field of a choice was sent."""
    if (
        choice
        and isinstance(value, dict)
        and choice.common <= value.keys()
        and not choice.distinguishing & value.keys()
    ):
        names = " or ".join(sorted(choice.distinguishing))
        return [Problem(path, LEFT_OUT, f"is of none of the kinds allowed: it has no {names}")]
    return _nearest(failures, path, keyword)


def _nearest(failures: list[list[Problem]], path: Path, keyword: str) -> list[Problem]:
    """The problems of the branch that was meant, if that is clear, else a summary of all.

    A value is not meant for a branch that wants another type, or another constant in one of its fields.
    """
    if len(failures) == 1:
        return failures[0]
    depth = len(path)

    def distance(wrong: list[Problem]) -> int:
        kinds = [problem for problem in wrong if problem.keyword in _TYPE_KEYWORDS]
        if any(len(problem.path) == depth for problem in kinds):
            return 2
        return int(any(problem.keyword == "const" and len(problem.path) == depth + 1 for problem in kinds))

    best = min(distance(wrong) for wrong in failures)
    meant = [wrong for wrong in failures if distance(wrong) == best]
    if len(meant) == 1 and best < 2:
        return meant[0]
    reasons = dict.fromkeys(" and ".join(problem.sentence("it") for problem in wrong[:3]) for wrong in meant)
    return [Problem(path, keyword, f"is of none of the kinds allowed: {'; or '.join(list(reasons)[:6])}")]


def _check_not(check: Check) -> Check:
    def check_not(value: Any, path: Path, out: list[Problem]) -> None:
        if passes(check, value):
            out.append(Problem(path, "not", "is of a kind that is not allowed"))

    return check_not


def _check_if(condition: Check, then: Check, otherwise: Check) -> Check:
    def check_if(value: Any, path: Path, out: list[Problem]) -> None:
        (then if passes(condition, value) else otherwise)(value, path, out)

    return check_if
