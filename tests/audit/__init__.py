"""The proof of the audit: clients with one fault each, which it must find, and honest ones, which it must leave alone.

`clients/` says how to add one.
"""
