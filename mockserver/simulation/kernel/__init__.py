"""What every resource stands on. This page is the theory of operation of the simulation.

**A world** is what one account sees: a mapping of rows by (kind, id), such as ("endpoint", "endpoint-1..."), each an
immutable value. A world has a `Setup` that never changes: seed, account, lifecycle tables, catalogue and the rules of
its scenario. Nothing runs in the background and nothing here reads a clock: every function takes the instant
(`at_ms` or `t_ms`, milliseconds since the epoch) as a parameter.

**A timeline** (`timeline`) is how a resource changes with time: a tuple of marks in the order of their instants. A
`Mark(at_ms, phase, cause)` says that from `at_ms` on the resource is in `phase`, because of a move of its lifecycle
table (`spec/lifecycles.yaml`). At an instant, the marks up to it are *facts*: they never change again. The marks
after it are *promises*: they come true by themselves unless a command changes them first. A read is a bisect of the
timeline and writes nothing, so reads cost the same however much time has passed between them.

**A command** (create, update, delete) gets a `Transaction` (`transaction`): a view of the rows at one instant that
gathers writes. The command keeps the facts of a record, appends the mark of its own move (`transition`), drops the
promises, and makes them anew: `unfold` follows the lifecycle table from the last fact until the resource rests. A
*gate* delays a move until something else has happened (GPUs granted, nodes up, volume provisioned). Only a command
that succeeds is committed; one that raises a refusal has written nothing.

**Keyed randomness** (`keyed_random`): delays and unlucky moves (a boot that fails) are drawn from a hash of seed,
resource id, number of accepted commands and name of the move. There is no generator with a state, so the order of
requests, other resources and other accounts cannot disturb a number, and a replay gives the same bytes.

**Capacity** (`capacity`, `allocation`): GPUs of one type are a pool with places (zones or regions). What is free is the
pool's capacity, less a seeded demand of the rest of the world, less what the world's own resources hold. A resource
asks by a `Claim`. A claim that cannot be met waits in the pool's queue, with a promise of when it will be granted.
Whenever the holdings of a pool change, its whole queue is decided anew, and every resource whose grant has moved
gets new promises (`allocation.reallocate`).

**Events** (`simulation.events`) are commands that nobody sends: a node fails, hardware runs out. One that lies in the
future is a row of the world. Before a world is read or written at an instant, the events due by then are applied in
the order of their instants, each at its own instant.

The laws, which `tests/simulation/test_laws.py` checks over random histories:

1. Reads commute, change nothing, and show the same whether or not anybody looked before.
2. Facts never change. A promise changes only by a command or an event.
3. Every mark is a legal move of the lifecycle table, and instants never decrease along a timeline.
4. A world is a function of its setup and its commands with their instants: same input, same bytes.
5. A refused command leaves no trace.
6. No pool ever grants more than it has, and at no place does a newcomer overtake a claim that waits.

Modules: `timeline`, `transition`, `transaction`, `keyed_random`, `capacity`, `allocation`, `event_table` (what a
resource's events consist of), `rules` (what a scenario decides), `catalog` (hardware, models, regions), `numbers`
(bounds of whole numbers). The kernel imports no resource.
"""
