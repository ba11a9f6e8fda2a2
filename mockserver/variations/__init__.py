"""What else a valid server might have served: one named change at a time, of answers or of the world behind them.

`Catalogue` lists the variations of documents and lifecycles, carries those out that change answers, and tells which of
them a run has met; `staged` carries those out that change the world; `spread` says in which order to try them.
"""

from mockserver.variations.catalogue import Catalogue, spread
from mockserver.variations.changes import NOTHING_SAID, KnownValues, ValueChange
from mockserver.variations.variation import KINDS, Variation, WorldOverride
from mockserver.variations.world_changes import staged

__all__ = [
    "KINDS",
    "NOTHING_SAID",
    "Catalogue",
    "KnownValues",
    "ValueChange",
    "Variation",
    "WorldOverride",
    "spread",
    "staged",
]
