"""Dedicated endpoints.

- `record`: what is stored of an endpoint, and what a read sees of it
- `commands`: create, update, delete
- `validation`: the rules of a request beyond the document's schema
- `projection`: what time will do to an endpoint, and the GPUs it holds or waits for
- `adapters`: LoRA adapters bound to an endpoint
- `events`: endpoint.fail
"""
