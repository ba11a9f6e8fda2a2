"""References to an enclosing schema (`$recursiveRef`, `$dynamicRef`), rewritten as `$ref`.

Within one document, and without schemas that extend each other, both mean the innermost enclosing schema with that
anchor. Where there is none they stay, and the compiler refuses them.
"""

from typing import Any, TypeAlias

Anchors: TypeAlias = dict[str, tuple[str, ...]]  # "#" or "#name" -> the steps to the schema


def resolve_dynamic_refs(document: Any) -> None:
    """Replace, in place, the references of a document to schemas around them by JSON pointers."""
    todo: list[tuple[Any, tuple[str, ...], Anchors]] = [(document, (), {})]
    seen: set[int] = set()  # a document made in memory may contain itself
    while todo:
        node, steps, anchors = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            todo += [(inner, (*steps, str(index)), anchors) for index, inner in enumerate(node)]
        elif isinstance(node, dict):
            if node.get("$recursiveAnchor") is True:
                anchors = {**anchors, "#": steps}
            if isinstance(node.get("$dynamicAnchor"), str):
                anchors = {**anchors, f"#{node['$dynamicAnchor']}": steps}
            for keyword in ("$recursiveRef", "$dynamicRef"):
                target = anchors.get(str(node[keyword])) if keyword in node and "$ref" not in node else None
                if target is not None:
                    del node[keyword]
                    node["$ref"] = "#" + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in target)
            todo += [(inner, (*steps, name), anchors) for name, inner in node.items() if isinstance(inner, dict | list)]
