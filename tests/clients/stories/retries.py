"""Together 1.x to 3.x, with the retries that they have by themselves: list clusters or endpoints until it works."""

from polling import tell
from together import Together

client = Together()
if hasattr(client, "clusters"):
    look = client.clusters.list
elif hasattr(client, "beta"):
    look = client.beta.clusters.list
else:
    look = client.endpoints.list

met = None
try:
    look()
except Exception as refused:
    met = type(refused).__name__
tell(met=met)
