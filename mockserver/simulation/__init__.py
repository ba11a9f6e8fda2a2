"""What happens in one account: a pure simulation, without HTTP, clock, files or ambient randomness.

Start with `kernel`, whose docstring is the theory of operation.

- `kernel/`: timelines, transactions, keyed randomness, capacity, rules, catalogue
- `endpoints/`, `clusters/`, `volumes/`, `models/`, `remediations/`, `inference/`, `hardware/`, `account/`: one resource
  each, with its record, commands, validation and events
- `world_events/`: events that concern several kinds of resources
- `events`: applies events at once or when they are due, from the tables of all folders
- `seeding`: the resources an account begins with
- `schedule`: what is under way, and when anything changes next
- `record_types`, `serialization`: the types of rows, and how they are written to JSON and read back
"""
