"""What a run looked at, for the page: operations by statuses, parameters, lifecycles with what was seen lit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contract_tests.reports.lifecycle_graph.drawing import draw, kind_class, met_class, times
from contract_tests.reports.markup import Markup, element, joined, scrolling
from contract_tests.reports.text import briefly, causes, counted, expected_states

NEVER = "\N{EN DASH}"
HEATS = (3, 20, 100)  # from how many on an answer's heat is 2, 3 and 4
KINDS = [
    ("time", "comes by itself"),
    ("time chance", "by itself, or an event"),
    ("command", "asked for by a request"),
    ("command chance", "by a request, or an event"),
    ("event", "an event"),
]
PLACES = ("path", "query", "header", "body")

Row = Mapping[str, Any]


def operations(rows: Sequence[Row]) -> Markup:
    """Operations by statuses, by document."""
    if not rows:
        return Markup("")
    statuses = sorted({one["status"] for row in rows for one in row["statuses"]})
    heads = [element("th", name, scope="col") for name in ("Operation", "Requests", *statuses)]
    key = [
        ("12", "heat-3", "seen so often"),
        (NEVER, "unseen", "documented, never seen"),
        (NEVER, "unseen assumed", "assumed, never seen"),
        ("2!", "undeclared", "seen, but not declared"),
    ]
    body = []
    for document in dict.fromkeys(row["document"] for row in rows):
        head = element("th", document, scope="colgroup", colspan=len(heads))
        body.append(element("tr", head, class_="document"))
        body += [_operation(row, statuses) for row in rows if row["document"] == document]
    swatches = (element("li", element("span", text, class_=f"swatch {class_}"), words) for text, class_, words in key)
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body), class_="matrix")
    return joined(element("ul", *swatches, class_="key"), scrolling(table, "Operations by statuses"))


def _operation(row: Row, statuses: Iterable[int]) -> Markup:
    met = {one["status"]: one for one in row["statuses"]}
    cells = [_status(row, met[status]) if status in met else element("td") for status in statuses]
    requests = f"{row['requests']:,}" if row["requests"] else "never called"
    return element(
        "tr",
        _name(row),
        element("td", requests),
        *cells,
        class_=None if row["requests"] else "uncalled",
    )


def _name(row: Row) -> Markup:
    path = element("small", element("span", row["method"], class_="method"), " ", row["path"])
    return element("th", row["operation"], path, scope="row")


def _status(row: Row, status: Row) -> Markup:
    seen, grade = status["seen"], status["grade"]
    title = f"{row['operation']}, {status['status']}: {grade}, {times(seen)}"
    if grade == "undeclared":
        text, class_ = f"{briefly(seen)}!", "undeclared"
    elif seen:
        text, class_ = briefly(seen), f"heat-{1 + sum(seen >= heat for heat in HEATS)}"
    else:
        text, class_ = NEVER, "unseen" if grade == "documented" else "unseen assumed"
    return element("td", element("span", text, class_=class_), title=title)


def parameters(rows: Sequence[Row]) -> Markup:
    """Operations by where their parameters stand, each with how often it was sent."""
    rows = [row for row in rows if row["parameters"] and row["requests"]]
    if not rows:
        return Markup("")
    places = list(dict.fromkeys(one["in"] for row in rows for one in row["parameters"]))
    places.sort(key=lambda place: PLACES.index(place) if place in PLACES else len(PLACES))
    heads = [element("th", name, scope="col") for name in ("Operation", *places)]
    body = []
    for row in rows:
        cells = []
        for place in places:
            chips = [_parameter(one) for one in row["parameters"] if one["in"] == place]
            cells.append(element("td", *([element("ul", *chips, class_="chips")] if chips else []),
                                 data_name=place if chips else None))  # fmt: skip
        body.append(element("tr", element("th", row["operation"], scope="row"), *cells))
    sent = [one["seen"] for row in rows for one in row["parameters"]]
    met = sum(1 for seen in sent if seen)
    note = f"{met:,} of {len(sent):,} parameters and fields of the called operations were sent."
    values = [value["seen"] for row in rows for one in row["parameters"] for value in one.get("values", ())]
    if values:
        note += f" So were {sum(map(bool, values)):,} of {counted(len(values), 'enum value')}."
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body), class_="stack")
    return joined(element("p", note, class_="note"), scrolling(table, "Parameters"))


def _parameter(parameter: Row) -> Markup:
    seen, name = parameter["seen"], parameter["name"]
    values = [_chip("span", value["value"], value["seen"], f"{name}: ") for value in parameter.get("values", ())]
    listed = [element("span", *values, class_="values")] if values else []
    return _chip("li", name, seen, "", f" ({parameter['in']})", *listed)


def _chip(tag: str, name: object, seen: int, before: str, after: str = "", *more: Markup) -> Markup:
    """A name with how often it was sent."""
    told = f"sent {counted(seen, 'time')}" if seen else "never sent"
    count = [element("b", briefly(seen))] if seen else []
    title = f"{before}{name}{after}: {told}"
    return element(tag, name, *count, *more, class_=None if seen else "unsent", title=title)


def lifecycles(rows: Sequence[Row]) -> Markup:
    """Each lifecycle's drawing, with its moves as a table beneath."""
    if not rows:
        return Markup("")
    used = {kind_class(move["by"]) for row in rows for move in row["moves"]}
    swatches = [_line(f"move lit {kind}", words) for kind, words in KINDS if kind in used]
    swatches.append(_line("move dim", "never seen"))
    return joined(element("ul", *swatches, class_="key"), *map(_lifecycle, rows))


def _line(classes: str, words: str) -> Markup:
    drawn = joined(
        element("path", d="M0 6H27", class_="line"), element("path", d="M34 6L27 2.1L27 9.9Z", class_="head")
    )
    group = element("g", drawn, class_=classes)
    return element("li", element("svg", group, viewBox="0 0 34 12", aria_hidden="true"), words)


def _lifecycle(row: Row) -> Markup:
    states = expected_states(row)
    met, moved = sum(1 for state in states if state["seen"]), sum(1 for move in row["moves"] if move["seen"])
    note = f"{met} of {counted(len(states), 'state')} and {moved} of {counted(len(row['moves']), 'move')} were seen."
    rows = [
        element(
            "tr",
            element("th", move["name"], scope="row"),
            element("td", f"{move['from']} → {move['to']}", class_="words mono"),
            element("td", causes(move["by"]), class_="words", data_name="by"),
            element("td", times(move["seen"]), class_=met_class(move["seen"])),
        )
        for move in row["moves"]
    ]
    heads = [element("th", name, scope="col") for name in ("Move", "From and to", "By", "Seen")]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="stack")
    drawing = element(
        "div", draw(row), class_="drawing", role="region", aria_label=f"Graph of {row['name']}", tabindex="0"
    )
    listed = element("details", element("summary", "The moves as a table"), scrolling(table, f"Moves of {row['name']}"))
    parts = [element("h3", row["name"]), element("p", note, class_="note"), drawing, *([listed] if rows else [])]
    return element("article", *parts, class_="lifecycle card")
