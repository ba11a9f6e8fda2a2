"""Responses: `selection` of what to answer with, `encoding` in its media type, `validation` against the document."""
