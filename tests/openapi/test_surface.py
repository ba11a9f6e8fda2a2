"""What the room shows to the others."""

import mockserver.openapi as room


def test_exported_names_are_sorted_and_all_there() -> None:
    assert room.__all__ == sorted(room.__all__)
    for name in room.__all__:
        assert getattr(room, name).__doc__
