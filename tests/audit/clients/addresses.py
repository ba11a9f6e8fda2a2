"""Clients that ask at the wrong address, with the wrong method, or with something that is no key."""

from __future__ import annotations

from typing import Any

from tests.audit.clients import slips
from tests.audit.clients.entries import Entry, Server, add
from tests.audit.clients.honest import STORIES, Slip

KEYED = Server(api_keys=("the-right-key-of-this-account",))


def wrong(name: str, rule: str, says: str, at: str, slip: Slip, status: int, story: str, **more: Any) -> None:
    add(Entry(name, says, STORIES[story], rule, at=at, slip=slip, status=status, **more))


# ---- paths -----------------------------------------------------------------------------------------------------------

wrong(
    "trailing-slash",
    "unknown-path",
    "a slash at the end of the path of a list",
    "GET /hardware",
    slips.path("/hardware", "/hardware/"),
    404,
    "endpoints",
)
wrong(
    "singular-collection",
    "unknown-path",
    "creates at /endpoint",
    "POST /endpoints",
    slips.path("/endpoints", "/endpoint"),
    404,
    "endpoints",
    near=("/endpoints",),
)
wrong(
    "clusters-without-compute",
    "unknown-path",
    "looks for clusters at /v1/clusters",
    "POST /compute/clusters",
    slips.path("/compute/clusters", "/clusters"),
    404,
    "clusters",
)
wrong(
    "volumes-beside-clusters",
    "unknown-path",
    "takes volumes for siblings of clusters",
    "POST /compute/clusters/storage/volumes",
    slips.path("/clusters/storage", "/storage"),
    404,
    "clusters",
)

for name, says, slip in (
    ("version-twice", "has /v1 in the base URL and in the path", slips.path("/v1", "/v1/v1")),
    ("version-left-out", "has /v1 in neither: only this server answers there", slips.path("/v1", "")),
    ("next-version", "asks for a version that there is not", slips.path("/v1", "/v2")),
    ("api-prefix", "puts /api before the version", slips.path("/v1", "/api/v1")),
    ("double-slash", "has a base URL that ends with a slash", slips.path("/v1/", "/v1//")),
):
    add(
        Entry(
            name,
            says,
            STORIES["lists"],
            "wrong-base-url",
            at="GET /whoami",
            slip=slip,
            status=200 if name == "version-left-out" else 404,
        )
    )

# ---- methods ---------------------------------------------------------------------------------------------------------

wrong(
    "put-for-patch",
    "wrong-method",
    "updates an endpoint with PUT",
    "PATCH /endpoints/*",
    slips.method("PUT"),
    405,
    "endpoints",
    near=("PATCH",),
)
wrong(
    "patch-for-put",
    "wrong-method",
    "updates a cluster with PATCH",
    "PUT /compute/clusters/*",
    slips.method("PATCH"),
    405,
    "clusters",
    near=("PUT",),
)
wrong(
    "post-to-a-list-of-get",
    "wrong-method",
    "asks for hardware with POST",
    "GET /hardware",
    slips.method("POST"),
    405,
    "endpoints",
    near=("GET",),
)
wrong(
    "volume-by-its-path",
    "wrong-method",
    "updates a volume at its own path, where only the collection takes PUT",
    "PUT /compute/clusters/storage/volumes",
    slips.path("/volumes", "/volumes/11111111-2222-4333-8444-555555555555"),
    405,
    "clusters",
)

for name, says, written in (
    ("id-of-nothing", "sends None for the id", "None"),
    ("id-undefined", "sends undefined for the id", "undefined"),
    ("id-unfilled", "sends the name of the variable for the id", "%7BendpointId%7D"),
):
    wrong(name, "unfilled-path", says, "GET /endpoints/*", slips.last_segment(written), 404, "endpoints")

# ---- keys ------------------------------------------------------------------------------------------------------------


def keyless(name: str, rule: str, says: str, slip: Slip, **more: Any) -> None:
    add(Entry(name, says, STORIES["lists"], rule, slip=slip, own_server=True, **more))


keyless("without-key", "no-key", "sends no Authorization header", slips.key(None), status=401)
keyless(
    "key-as-query-parameter",
    "no-key",
    "sends its key as ?api_key=",
    slips.key_in_query("api_key"),
    status=401,
    may={"undeclared-parameter": "a parameter of that name is declared nowhere"},
)
keyless(
    "key-in-a-header-of-its-own", "no-key", "sends its key as X-API-Key", slips.key(None, x_api_key="{}"), status=401
)
keyless(
    "scheme-token",
    "malformed-key",
    "writes the scheme Token for Bearer",
    slips.key("Token {}"),
    status=401,
    may={"no-key": "what is no bearer's token is no key"},
)
keyless(
    "bare-key",
    "malformed-key",
    "sends its key without a scheme",
    slips.key("{}"),
    status=401,
    may={"no-key": "what is no bearer's token is no key"},
)
keyless(
    "empty-key",
    "malformed-key",
    "has a variable that is not set for its key",
    slips.key("Bearer "),
    status=401,
    may={"no-key": "an empty key is none"},
)
keyless(
    "bearer-twice",
    "malformed-key",
    "puts the scheme before a key that has it",
    slips.key("Bearer Bearer {}"),
    status=200,
)
keyless(
    "key-in-quotes", "malformed-key", "read its key from a file with the quotes", slips.key('Bearer "{}"'), status=200
)
keyless(
    "none-for-a-key",
    "malformed-key",
    "wrote a variable without a value into the header",
    slips.key("Bearer None"),
    status=200,
)
keyless(
    "variable-for-a-key",
    "malformed-key",
    "sends the name of a variable that nobody put in",
    slips.key("Bearer $TOGETHER_API_KEY"),
    status=200,
)


for name, says, key in (
    ("another-key", "has a key that is not let in", "the-key-of-somebody-else"),
    ("key-in-capitals", "has its key in capitals", KEYED.api_keys[0].upper()),
):
    add(
        Entry(
            name,
            says,
            STORIES["endpoints"],
            "wrong-key",
            shows=lambda sent: [one.status for one in sent] == [403],
            server=KEYED,
            own_server=True,
            api_key=key,
        )
    )
