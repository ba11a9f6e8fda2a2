"""The public names of the Python API: a change of this list is a change that users see."""

import mockserver.strategies
import mockserver.testing


def test_the_public_names() -> None:
    assert sorted(mockserver.testing.__all__) == [
        "ControlError", "MockClock", "MockEvents", "MockFaults", "MockTogether", "mock_together",
    ]  # fmt: skip
    assert sorted(mockserver.strategies.__all__) == ["Declared", "answer", "answers", "error", "names", "resource"]
    for module in (mockserver.testing, mockserver.strategies):
        for name in module.__all__:
            assert getattr(module, name).__doc__, f"{module.__name__}.{name} has no docstring"
