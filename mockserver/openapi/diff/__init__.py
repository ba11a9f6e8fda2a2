"""Differences between two documents, and whether they break clients.

By hand, because the Python packages for it miss changed enums and nulls, do not follow `$ref` in OpenAPI 3.1, or
compare in one direction only.

`documents` compares operations, which `pairing` brings together, their parameters, bodies, responses and `security`;
`schemas` compares their schemas, with `restrictions` for what one schema says itself and `changes` for what breaks.
`wording` has the words, `release_note` writes the result as text or JSON.
"""

from mockserver.openapi.diff.documents import Difference, differences
from mockserver.openapi.diff.release_note import as_json, release_note

__all__ = ["Difference", "as_json", "differences", "release_note"]
