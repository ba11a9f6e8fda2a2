"""Together 1.x: list models, upload one, and find it among those that can be deployed.

It has no call for jobs, so it looks at the list until the model is there.
"""

from typing import Any

from polling import poll, refused, tell
from together import Together
from together.error import InvalidRequestError

models = Together(max_retries=0).models


def names(**wanted: Any) -> list[str]:
    return [model.id for model in models.list(**wanted)]


everything, deployable = names(), names(dedicated=True)
wish = {"model_name": "tuned-7b", "model_source": "acme/tuned-7b"}
made = models.upload(**wish, hf_token="hf_story", description="ours")
at_once = names()
looks = poll(lambda: names(dedicated=True), lambda found: made.model_name in found)
again = refused(InvalidRequestError, models.upload, **wish)

tell(
    everything=everything,
    deployable=deployable,
    made=made.model_dump(),
    at_once=made.model_name in at_once,
    deployable_then=made.model_name in looks[-1],
    again=[again.http_status, str(again)],
)
