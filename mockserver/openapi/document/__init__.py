"""A document: read, its operations compiled, its paths routed.

`loading` reads files and compiles, with `builder` for each operation; `operations` holds what is compiled. `router`
finds the operation of a request, `media_types` tells media types apart, `dynamic_refs` turns `$dynamicRef` into `$ref`.
"""
