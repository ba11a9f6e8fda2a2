"""Commands on remediations of nodes; `clusters` stores them and works out what they do to a cluster.

- `commands`: create, approve, reject, cancel; look-ups by instance
- `validation`: the rules of a request: the instance, the state of cluster and node, the mode
"""
