"""Values made from schemas, the same for the same key.

By hand, because hypothesis-jsonschema and Faker make random values, do not follow the document's own examples, and are
too slow for a server that answers with them.

`examples` makes them, of the `Conjunction`s into which `expansion` takes a schema apart; `values` makes numbers and
strings within limits, `strings` what matches a pattern.
"""
