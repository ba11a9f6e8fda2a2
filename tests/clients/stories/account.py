"""Together 2.42 and 3.x: who the key belongs to, and which projects it can use."""

from polling import tell
from together import Together

# Strict: every answer must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)

tell(
    whoami=client.whoami().model_dump(),
    projects=[project.model_dump() for project in client.projects.list()],
)
