"""Schemas: compiled to checks, summed up, brought to a normal form, and followed through references.

Knows nothing of operations. `compiler` turns a schema into a `Validator`; `scalars`, `objects`, `arrays`, `applicators`
and `unevaluated` hold the keywords, `checks` what these share, `formats` and `patterns` the texts. `problems` says what
is wrong with a value, `references` where a schema is and what its `$ref` means, `json_text` reads and writes JSON.
Built on these: `schema_summary` (types, fields and items), `coercion` (text to values), `undeclared` (notes on fields
that no schema names), `normal_form` and `normal_view` (two ways of writing one thing come out the same).
"""
