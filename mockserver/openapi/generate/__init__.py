"""Values made from schemas, the same for the same key.

`examples` makes them, of the `Conjunction`s into which `expansion` takes a schema apart; `values` makes numbers and
strings within limits, `strings` what matches a pattern.
"""
