"""An OpenAPI document in; operations, validators, decoders and examples out.

Six folders, each of which imports exactly those in its brackets (a test reads this list):

- `schema`: schemas compiled to checks, summed up, and brought to a normal form
- `document` (schema): a document read, its operations compiled, its paths routed
- `request` (document, schema): parameters and bodies decoded and validated
- `response` (document, schema): which response to give, written in its media type; responses validated
- `generate` (response, document, schema): examples made from schemas
- `diff` (document, schema): the differences between two documents; import it as `mockserver.openapi.diff`

`load_document` reads and compiles; a `Router` finds the operation of a request, `decode` makes values of it,
`check_response` validates a response, and `example_response` makes one. Nothing is compiled later.
"""

from mockserver.openapi.document.loading import (
    Document,
    document_from_dict,
    find_document,
    load_document,
    load_own_document,
)
from mockserver.openapi.document.media_types import content_type, is_json
from mockserver.openapi.document.operations import (
    Credentials,
    DeclaredResponse,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
)
from mockserver.openapi.document.router import Match, Missing, Router, Segment, split_template
from mockserver.openapi.generate.examples import (
    declared_examples,
    example,
    example_for,
    example_response,
    media_example,
)
from mockserver.openapi.generate.expansion import Conjunction, expand_schema
from mockserver.openapi.request.bodies import Body, decode_body
from mockserver.openapi.request.decoding import DecodedRequest, decode
from mockserver.openapi.request.parameters import Parameters, decode_parameters
from mockserver.openapi.response.encoding import encode_value
from mockserver.openapi.response.selection import best_response, choose_media
from mockserver.openapi.response.validation import check_response
from mockserver.openapi.schema.applicators import branches
from mockserver.openapi.schema.compiler import Compiler, Validator, compile_schema
from mockserver.openapi.schema.json_text import dumps
from mockserver.openapi.schema.normal_form import NormalForms, kind_of
from mockserver.openapi.schema.normal_view import NormalView, Views
from mockserver.openapi.schema.objects import is_marked
from mockserver.openapi.schema.problems import LEFT_OUT, Problem, canonical, dotted
from mockserver.openapi.schema.references import Parts, Place, References
from mockserver.openapi.schema.schema_summary import SchemaSummary, summarize_schema
from mockserver.openapi.schema.undeclared import Undeclared, undeclared_note

__all__ = [
    "LEFT_OUT",
    "Body",
    "Compiler",
    "Conjunction",
    "Credentials",
    "DeclaredResponse",
    "DecodedRequest",
    "Document",
    "Match",
    "MediaType",
    "Missing",
    "NormalForms",
    "NormalView",
    "Operation",
    "Parameter",
    "Parameters",
    "Parts",
    "Place",
    "Problem",
    "References",
    "RequestBody",
    "Router",
    "SchemaSummary",
    "Segment",
    "Undeclared",
    "Validator",
    "Views",
    "best_response",
    "branches",
    "canonical",
    "check_response",
    "choose_media",
    "compile_schema",
    "content_type",
    "declared_examples",
    "decode",
    "decode_body",
    "decode_parameters",
    "document_from_dict",
    "dotted",
    "dumps",
    "encode_value",
    "example",
    "example_for",
    "example_response",
    "expand_schema",
    "find_document",
    "is_json",
    "is_marked",
    "kind_of",
    "load_document",
    "load_own_document",
    "media_example",
    "split_template",
    "summarize_schema",
    "undeclared_note",
]
