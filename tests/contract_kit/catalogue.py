"""The catalogue of broken servers: all that `defects/` holds, and the stories that show them."""

from __future__ import annotations

from mockserver.settings import Settings
from tests.contract_kit.broken import CATALOGUE
from tests.contract_kit.defects import answers, clusters, echoes, guide, lists, lives, requests, several, unseen

__all__ = ["CATALOGUE", "HONEST", "SETTINGS"]

HONEST = "honest"
"""The name of the server without a defect."""
DEFECTS = (answers, echoes, requests, lists, lives, several, unseen, clusters, guide)
SETTINGS = Settings(clock="manual", api_keys=("verify", "verify-other-account"))
"""What all of them serve: the default scenario, to the keys that the kit uses, so that a wrong key is refused."""
