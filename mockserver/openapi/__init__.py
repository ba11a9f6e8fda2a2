"""An OpenAPI document in, operations and compiled validators out.

`load_document` reads and compiles; a `Router` finds the operation of a request, `decode` makes values of
it, `check_response` judges an answer, and `example_response` makes one up. Nothing is compiled later.
"""

from mockserver.openapi.document.loading import Document, document_from_dict, load_document, load_own_document
from mockserver.openapi.document.media_types import best_response, chosen_media, content_type, written
from mockserver.openapi.document.operations import (
    Credentials,
    DeclaredResponse,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
)
from mockserver.openapi.document.router import Match, Missing, Router, Segment, split_template
from mockserver.openapi.generate.examples import example, example_for, example_response, given_examples, media_example
from mockserver.openapi.request.bodies import Body, decode_body
from mockserver.openapi.request.decoding import DecodedRequest, decode
from mockserver.openapi.request.parameters import Parameters, decode_parameters
from mockserver.openapi.response.validation import check_response
from mockserver.openapi.schema.compiler import Validator, compile_schema
from mockserver.openapi.schema.json_text import dumps, is_json
from mockserver.openapi.schema.problems import Problem
from mockserver.openapi.schema.references import Place, References
from mockserver.openapi.schema.schema_summary import Outline, outline

__all__ = [
    "Body",
    "Credentials",
    "DeclaredResponse",
    "DecodedRequest",
    "Document",
    "Match",
    "MediaType",
    "Missing",
    "Operation",
    "Outline",
    "Parameter",
    "Parameters",
    "Place",
    "Problem",
    "References",
    "RequestBody",
    "Router",
    "Segment",
    "Validator",
    "best_response",
    "check_response",
    "chosen_media",
    "compile_schema",
    "content_type",
    "decode",
    "decode_body",
    "decode_parameters",
    "document_from_dict",
    "dumps",
    "example",
    "example_for",
    "example_response",
    "given_examples",
    "is_json",
    "load_document",
    "load_own_document",
    "media_example",
    "outline",
    "split_template",
    "written",
]
