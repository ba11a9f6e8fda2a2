"""Requests, decoded and validated: `decoding` the whole, `parameters` and `bodies` the parts.

Bodies are `json_body`, `multipart`, `xml_text` or forms, whose names may nest (`bracket_names`).
"""
