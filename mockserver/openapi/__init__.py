"""An OpenAPI document in, operations and compiled validators out.

`load_document` reads and compiles; a `Router` finds the operation of a request, `decode` makes values of
it, `check_response` judges an answer, and `example_response` makes one up. Nothing is compiled later.
"""

from mockserver.openapi.answers import best_response, chosen_media, content_type, written
from mockserver.openapi.bodies import Body, decode_body
from mockserver.openapi.documents import Document, document_from_dict, load_document, load_own_document
from mockserver.openapi.examples import example, example_for, example_response, given_examples, media_example
from mockserver.openapi.jsontext import dumps, is_json
from mockserver.openapi.operations import Credentials, MediaType, Operation, Parameter, RequestBody, Response
from mockserver.openapi.outlines import Outline, outline
from mockserver.openapi.parameters import Parameters, decode_parameters
from mockserver.openapi.problems import Problem
from mockserver.openapi.references import Place, References
from mockserver.openapi.requests import Request, decode
from mockserver.openapi.responses import check_response
from mockserver.openapi.router import Match, Missing, Router, Segment, split_template
from mockserver.openapi.schemas import Validator, compile_schema

__all__ = [
    "Body",
    "Credentials",
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
    "Request",
    "RequestBody",
    "Response",
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
