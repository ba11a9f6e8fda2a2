"""Events that concern several kinds of resources at once.

- `hardware`: the GPUs of a pool run out and come back, for endpoints and clusters
- `credits`: the account's credits are exhausted and restored, for endpoints, clusters and volumes
"""
