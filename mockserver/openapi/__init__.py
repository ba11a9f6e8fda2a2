"""An OpenAPI document in, operations and compiled validators out.

`load_document` reads and compiles; a `Router` finds the operation of a request, `decode` makes values of
it, `check_response` judges an answer, and `example_response` makes one up. Nothing is compiled later.
"""

from mockserver.openapi.bodies import Body, decode_body
from mockserver.openapi.documents import Document, document_from_dict, load_document, load_own_document
from mockserver.openapi.examples import (
    best_response,
    example,
    example_for,
    example_response,
    given_examples,
    media_to_show,
    rendered,
)
from mockserver.openapi.operations import MediaType, Operation, Parameter, RequestBody, Response
from mockserver.openapi.parameters import Parameters, decode_parameters
from mockserver.openapi.problems import Problem
from mockserver.openapi.requests import Request, decode
from mockserver.openapi.responses import check_response
from mockserver.openapi.router import Match, Missing, Router
from mockserver.openapi.schemas import Validator, compile_schema

__all__ = [
    "Body",
    "Document",
    "Match",
    "MediaType",
    "Missing",
    "Operation",
    "Parameter",
    "Parameters",
    "Problem",
    "Request",
    "RequestBody",
    "Response",
    "Router",
    "Validator",
    "best_response",
    "check_response",
    "compile_schema",
    "decode",
    "decode_body",
    "decode_parameters",
    "document_from_dict",
    "example",
    "example_for",
    "example_response",
    "given_examples",
    "load_document",
    "load_own_document",
    "media_to_show",
    "rendered",
]
