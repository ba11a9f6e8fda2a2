"""Pairs of operations that are the same in both documents."""

import re

from mockserver.openapi.document.loading import Document
from mockserver.openapi.document.operations import Operation


def paired(old: Document, new: Document) -> tuple[list[tuple[Operation, Operation]], list[Operation], list[Operation]]:
    """The operations that both have, those gone, and those come.

    Whole paths are looked at first, then the paths below the servers', then one with the other: a document may have
    "/v1" in its server, and another in each path.
    """
    gone, come = list(old.operations), list(new.operations)
    pairs: list[tuple[Operation, Operation]] = []
    for whole_before, whole_after in ((True, True), (False, False), (False, True), (True, False)):
        known = {_shape(operation, whole_after): operation for operation in reversed(come)}
        for before in list(gone):
            after = known.pop(_shape(before, whole_before), None)
            if after is not None:
                pairs.append((before, after))
                gone.remove(before)
                come.remove(after)
    return pairs, gone, come


def _shape(operation: Operation, whole: bool) -> tuple[str, str]:
    path = operation.base_path + operation.path if whole else operation.path
    return operation.method, re.sub(r"\{[^{}]*\}", "{}", path)


def prefixes(old: Operation, new: Operation) -> tuple[str, str]:
    """The beginnings of two whole paths, without the end that they share."""
    old_steps, new_steps = (_shape(operation, True)[1].split("/") for operation in (old, new))
    while old_steps and new_steps and old_steps[-1] == new_steps[-1]:
        old_steps.pop()
        new_steps.pop()
    return "/".join(old_steps) or "/", "/".join(new_steps) or "/"
