"""What else a valid server might have served: one named change at a time, of responses or of the world behind them.

`catalogue` lists the variations of documents and lifecycles, applies those of responses, and says which of them would
have changed a run. `changes` holds what each kind does to a value, `schema_locations` where in the schemas a value is,
`world_changes` the variations of the world, and `variation` what all of them have.
"""

from mockserver.variations.catalogue import Catalogue, interleave_kinds
from mockserver.variations.changes import NO_KNOWN_VALUES, KnownValues, ValueChange
from mockserver.variations.variation import KINDS, Variation, WorldOverride
from mockserver.variations.world_changes import apply_override

__all__ = [
    "KINDS",
    "NO_KNOWN_VALUES",
    "Catalogue",
    "KnownValues",
    "ValueChange",
    "Variation",
    "WorldOverride",
    "apply_override",
    "interleave_kinds",
]
