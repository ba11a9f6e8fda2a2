"""Schemathesis over every chosen document: examples, coverage, fuzzing, and its stateful phase.

Each case is sent through the same target as everything else, so that the rules for every answer, and those for each
look at a resource, judge it as well. Of Schemathesis' own checks some run here; the others have a rule of ours instead:

| its check | ours, and why |
| --- | --- |
| status_code_conformance | status-declared: a success must be documented; what is assumed counts for errors |
| negative_data_rejection | request-kept-to-the-document: nulls in compute bodies are absent fields |
| positive_data_acceptance | good-request-accepted, with requests that name what is there |
| missing_required_header, ignored_auth | key-needed: it takes 403 for 401, as the document does |
| use_after_free | deleted-stays-deleted: clusters and volumes may be seen on their way out |
| max_response_time | none: a busy machine decides it |
| object_level_authorization | accounts-apart |
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import CHECKS
from schemathesis.core.transport import Response

from contract_tests.client.errors import Refused
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.drivers.request_fixtures import RequestFixtures
from contract_tests.judge.registry import Rule, rule
from contract_tests.model.document import ApiDocument, ApiOperation
from contract_tests.model.exchange import Exchange
from contract_tests.runner.session import GUIDE, V1, session

THEIRS = (
    "not_a_server_error",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
ALONE_LINKS = {
    "createEndpoint": ("endpointId", "id"),
    "GPUClusterService_Create": ("cluster_id", "cluster_id"),
    "SharedVolumeService_Create": ("volume_id", "volume_id"),
}
"""What makes something, the path parameter of what can be done with it, and where the answer names it."""


schemathesis.openapi.from_dict({"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}})
"""Its checks on OpenAPI are there once a document was loaded."""


MOST_ALIVE = 5
"""How many things a test lets live before it begins anew."""


def _theirs(name: str) -> Rule:
    """A rule of ours that asks a check of Schemathesis."""
    check = CHECKS.get_one(name)

    def ask(case: Any, response: Response) -> Iterator[str]:
        try:
            case.validate_response(response, checks=[check])
        except (AssertionError, BaseExceptionGroup) as error:
            yield _first_lines(error)

    return rule(
        f"schemathesis-{name.replace('_', '-')}",
        suite="schema",
        reason=(check.__doc__ or name).strip().splitlines()[0],
        source="the document, by Schemathesis",
    )(ask)


def _first_lines(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).split())[:300]


ASKED = [_theirs(name) for name in THEIRS]


def profile(examples: int) -> settings:
    """How Hypothesis runs here: found failures are kept by the rules, so they need no shrinking by it."""
    return settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


# ---- what is put in the place of made-up values ----------------------------------------------------------------------


class Feeding:
    """Puts ids and names that exist in the place of made-up ones, mostly: the same for the same case."""

    def __init__(self) -> None:
        self.furnished: RequestFixtures | None = None
        self.names: dict[str, list[Any]] = {}

    def begin(self, account: AccountDriver, make: bool) -> None:
        """A test begins; what it needs is looked for when it is first needed."""
        self.furnished = RequestFixtures(account, make)
        self.names = {}

    def _known(self) -> dict[str, list[Any]]:
        if not self.names and self.furnished is not None:
            account = self.furnished.account
            try:
                model, hardware = account.deployment()
                body = next(account.cluster_bodies(), {})
            except NotToBeHad:
                return {}
            self.names = {
                "model": [model],
                "hardware": [hardware],
                "hardware_name": [hardware],
                "min_replicas": [0, 1],
                "max_replicas": [1, 2],
                "size_tib": [1, 3],
                "add_on_type": ["dashboard", "headlamp"],
                "num_gpus": [8, 16],
                **{
                    name: [body[name]]
                    for name in ("region", "gpu_type", "cuda_version", "nvidia_driver_version")
                    if name in body
                },
            }
        return self.names

    def path(self, context: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:
        """Path parameters."""
        for name, made_up in (values or {}).items():
            if self.furnished is not None and _dice(name, made_up).random() < 0.85 and values is not None:
                try:
                    values[name] = self.furnished.value(
                        {"endpoint_id": "endpointId", "job_id": "jobId"}.get(name, name)
                    )
                except (NotToBeHad, Refused):
                    continue
        return values

    def body(self, context: Any, value: Any) -> Any:
        """Bodies, also deeper in them."""
        if isinstance(value, dict):
            known = self._known() if session().options.allow_writes else {}
            for name, inner in list(value.items()):
                self.body(context, inner)
                named = known.get(name)
                if named and type(inner) is type(named[0]) and _dice(name, inner).random() < 0.75:
                    value[name] = _dice(name, inner).choice(named)
        return value

    def query(self, context: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:
        """The one query parameter that names something."""
        if values is not None and "alerts" in context.operation.path and self.furnished is not None:
            try:
                values["cluster_id"] = self.furnished.value("cluster_id")
            except (NotToBeHad, Refused):
                return values
        return values


def _dice(name: str, value: Any) -> random.Random:
    return random.Random(f"{name} {value!r}")


FEEDING = Feeding()


# ---- sending ---------------------------------------------------------------------------------------------------------


def send(account: AccountDriver, document: ApiDocument, operation: ApiOperation, case: Any) -> Exchange:
    """Send a case of Schemathesis through our target, with our key."""
    target = session().target
    base = target.base(operation.base_path)
    kwargs = case.as_transport_kwargs(base_url=base)
    kwargs.pop("cookies", None)
    prepared = requests.Request(**kwargs).prepare()
    url = urlsplit(str(prepared.url))
    body = prepared.body
    raw = body.encode() if isinstance(body, str) else body
    own = {"content-type", "content-length", "authorization", "user-agent", "accept-encoding", "connection", "accept"}
    exchange = target.send(
        str(prepared.method),
        url.path.removeprefix(urlsplit(base).path),
        document=document,
        query=parse_qsl(url.query, keep_blank_values=True, errors="replace"),
        body=bytes(raw) if raw is not None else None,
        content_type=prepared.headers.get("Content-Type"),
        headers={name: value for name, value in prepared.headers.items() if name.lower() not in own},
        base_path=operation.base_path,
    )
    account.noted(exchange)
    return exchange


class NewSchemaBreach(AssertionError):
    """A rule was broken that was not broken before: Hypothesis keeps the example, to try it first the next time."""


def judge(case: Any, exchange: Exchange) -> None:
    """Judge an answer by the checks of Schemathesis."""
    response = Response.from_requests(exchange.response, verify=True)
    for each in ASKED:
        session().recorder.judge(each, case, response, at=exchange)


# ---- examples, coverage, fuzzing -------------------------------------------------------------------------------------


def _test_of(document: ApiDocument) -> Any:
    options = session().options
    schema: Any = schemathesis.openapi.from_dict(copy.deepcopy(dict(document.raw)))
    if not options.allow_writes:
        schema = schema.include(method="GET")
    schema.hook("map_path_parameters")(lambda context, path_parameters: FEEDING.path(context, path_parameters))
    schema.hook("map_body")(lambda context, body: FEEDING.body(context, body))
    schema.hook("map_query")(lambda context, query: FEEDING.query(context, query))

    @schema.parametrize()  # type: ignore[untyped-decorator]
    @profile(options.examples)
    def test(case: Any, account: AccountDriver) -> None:
        """Every operation answers as the document says, whatever it is sent."""
        record = session().recorder
        if FEEDING.furnished is None or FEEDING.furnished.account is not account or len(account.made) > MOST_ALIVE:
            account.clear()
            FEEDING.begin(account, options.allow_writes)
        operation = document.operations[case.operation.definition.raw.get("operationId", case.operation.label)]
        before = set(record.findings)
        try:
            exchange = send(account, document, operation, case)
        except Refused as error:
            if options.allow_writes:  # else it is one of the methods that coverage tries, and nobody misses it
                record.skip(f"some requests for {operation.operation_id}", str(error))
            return
        except UnicodeError:
            return  # what cannot be put on the wire says nothing about a server
        judge(case, exchange)
        if set(record.findings) - before:
            raise NewSchemaBreach
        if account.target.clock.frozen and exchange.number % 40 == 0:
            account.target.clock.let_pass(25)

    return pytest.mark.writes(test) if options.allow_writes else test


if V1 in session().documents:
    test_v1 = _test_of(session().documents[V1])
if GUIDE in session().documents:
    test_guide_2024 = _test_of(session().documents[GUIDE])
for _name, _document in session().documents.items():
    if _name not in (V1, GUIDE):
        globals()[f"test_{''.join(letter if letter.isalnum() else '_' for letter in _name)}"] = _test_of(_document)


# ---- the stateful phase ----------------------------------------------------------------------------------------------


def linked(document: ApiDocument, create: str) -> dict[str, Any]:
    """The document with a link from a create, and from each read, to what can be done with the id."""
    raw: dict[str, Any] = copy.deepcopy(dict(document.raw))
    parameter, field = ALONE_LINKS[create]
    users = [
        item
        for item in document.operations.values()
        if item.path_names == [parameter] and item.path.endswith(f"{{{parameter}}}")
    ]
    for operation in (document.operations[create], *(item for item in users if item.method == "GET")):
        answer = raw["paths"][operation.path][operation.method.lower()]["responses"]["200"]
        answer["links"] = {
            item.operation_id: {"operationId": item.operation_id, "parameters": {parameter: f"$response.body#/{field}"}}
            for item in users
        }
    return raw


@pytest.mark.writes
@pytest.mark.parametrize("create", list(ALONE_LINKS))
def test_stateful(create: str, account: AccountDriver) -> None:
    """Creates, reads, updates and deletes in any order, each on what an earlier answer named."""
    run = session()
    if V1 not in run.documents:
        pytest.skip("today's document was not chosen")
    document = run.documents[V1]
    path = document.operations[create].path
    schema = schemathesis.openapi.from_dict(linked(document, create)).include(path_regex=rf"^{path}(/{{\w+}})?$")
    schema.hook("map_body")(lambda context, body: FEEDING.body(context, body))
    FEEDING.begin(account, make=False)

    class Machine(schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **kwargs: Any) -> Response:
            """Send a step."""
            operation = document.operations[case.operation.definition.raw["operationId"]]
            exchange = send(account, document, operation, case)
            judge(case, exchange)
            if account.target.clock.frozen:
                account.target.clock.let_pass(7)
            return Response.from_requests(exchange.response, verify=True)

        def validate_response(self, response: Response, case: Any, **kwargs: Any) -> None:
            """All is judged when it is sent."""

        def teardown(self) -> None:
            """Take away what was made."""
            account.clear()
            super().teardown()

    steps = settings(profile(max(run.options.examples // 2, 3)), stateful_step_count=6)
    try:
        run_state_machine_as_test(Machine, settings=steps)
    except Refused as error:
        run.recorder.skip(f"the stateful phase of {create}", str(error))
    except Flaky:
        return  # the server answered differently to the same requests; what was wrong with its answers is noted
