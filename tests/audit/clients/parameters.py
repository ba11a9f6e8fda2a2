"""Clients whose query is wrong."""

from __future__ import annotations

from typing import Any

from tests.audit.clients import slips
from tests.audit.clients.entries import CALM, LIVED_IN, Entry, Server, add
from tests.audit.clients.honest import STORIES, Client, Slip

LISTED, HARDWARE, PROJECTS = "GET /endpoints", "GET /hardware", "GET /projects"
ALERTS = "GET /compute/passive_health_check_alerts"

TICKETS = """
openapi: 3.0.3
info: {title: Tickets, version: "1"}
servers: [{url: /tickets}]
paths:
  /found:
    get:
      operationId: findTickets
      parameters:
        - {name: about, in: query, required: true, schema: {type: string}}
        - {name: most, in: query, schema: {type: integer, maximum: 100}}
      responses:
        "200": {description: What was found, content: {application/json: {schema: {type: object}}}}
        "400": {description: It was not asked well}
"""


def wrong(name: str, rule: str, says: str, at: str, slip: Slip, status: int = 200, **more: Any) -> None:
    add(Entry(name, says, STORIES["lists"], rule, at=at, slip=slip, status=status, **more))


wrong(
    "usage-type-in-camel-case",
    "misspelt-parameter",
    "writes usageType",
    LISTED,
    slips.call_parameter("usage_type", "usageType"),
    near=("usageType", "usage_type"),
)
wrong(
    "letters-swapped",
    "misspelt-parameter",
    "writes modle",
    HARDWARE,
    slips.call_parameter("model", "modle"),
    near=("modle", "model"),
)
wrong(
    "plural-parameter",
    "misspelt-parameter",
    "writes types",
    LISTED,
    slips.call_parameter("type", "types"),
    near=("types", "type"),
)
wrong(
    "parameter-in-capitals",
    "misspelt-parameter",
    "writes Limit",
    PROJECTS,
    slips.call_parameter("limit", "Limit"),
    near=("Limit", "limit"),
)

wrong(
    "pages-where-there-are-none",
    "undeclared-parameter",
    "asks for a page of a list that has none",
    LISTED,
    slips.query("offset", "20"),
)
wrong(
    "cache-buster",
    "undeclared-parameter",
    "adds a number to get round a cache",
    HARDWARE,
    slips.query("_", "1767603600"),
)

wrong(
    "kind-in-capitals",
    "wrong-value",
    "asks for type=DEDICATED",
    LISTED,
    slips.query("type", "DEDICATED"),
    400,
    near=("dedicated",),
)
wrong("kind-that-is-none", "wrong-value", "asks for usage_type=spot", LISTED, slips.query("usage_type", "spot"), 400)
wrong("yes-for-true", "wrong-type", "asks for mine=yes", LISTED, slips.query("mine", "yes"), 400)
wrong("word-for-a-number", "wrong-type", "asks for limit=all", PROJECTS, slips.query("limit", "all"), 400)
wrong(
    "limit-of-nothing",
    "out-of-bounds",
    "asks for limit=0, below the declared minimum",
    PROJECTS,
    slips.query("limit", "0"),
    400,
)
wrong("filter-twice", "repeated-parameter", "asks for mine twice", LISTED, slips.query("mine", "true", "true"), 400)
wrong(
    "two-models-at-once",
    "repeated-parameter",
    "asks for the hardware of two models",
    HARDWARE,
    slips.query("model", "Qwen/QwQ-32B", "openai/gpt-oss-20b"),
    400,
)


def ask_for_tickets(client: Client) -> None:
    client.base = ""
    client.ask("GET", "/tickets/found", about="gpus", most="10")


DOCUMENT = Server(scenario=CALM, spec=TICKETS)
add(
    Entry(
        "without-what-is-required",
        "leaves out a parameter that a document of the user's requires",
        ask_for_tickets,
        "missing-parameter",
        at="GET /tickets/found",
        slip=slips.query("about"),
        status=400,
        server=DOCUMENT,
        operation="findTickets",
    )
)
add(
    Entry(
        "alerts-of-no-cluster",
        "asks for alerts without cluster_id, which the service requires",
        STORIES["lists"],
        "missing-parameter",
        at=ALERTS,
        slip=slips.query("cluster_id"),
        status=400,
        server=Server(scenario=LIVED_IN),
    )
)
add(
    Entry(
        "beyond-the-declared-maximum",
        "asks for more than a document of the user's allows",
        ask_for_tickets,
        "out-of-bounds",
        at="GET /tickets/found",
        slip=slips.query("most", "101"),
        status=400,
        server=DOCUMENT,
        operation="findTickets",
    )
)
