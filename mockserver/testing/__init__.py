"""What tests are written with: `mock_together` gives a block a world of its own, and judges what its client sent.

The pytest fixture of the same name gives the same object. The server starts at the first use, once for the process.
"""

from mockserver.testing.contexts import mock_together
from mockserver.testing.control import ControlError
from mockserver.testing.worlds import MockClock, MockEvents, MockFaults, MockTogether

__all__ = ["ControlError", "MockClock", "MockEvents", "MockFaults", "MockTogether", "mock_together"]
