"""Shared volumes: provisioned, bound to a cluster from its create until it is gone, resized, deleted.

- `record`: what is stored of a volume, and what a read sees of it
- `commands`: create, resize, delete, attach; the promises of a volume
- `validation`: refusals of a volume or a region that does not exist
- `events`: volume.fail, and moves that follow from other events
"""
