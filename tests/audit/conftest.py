"""The servers and users that the tests of the official clients have."""

from tests.clients.conftest import fast_server, stepping_server, user_of

__all__ = ["fast_server", "stepping_server", "user_of"]
