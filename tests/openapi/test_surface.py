"""What the room shows to the others."""

import mockserver.openapi as room


def test_exported_names_are_sorted_and_all_there() -> None:
    # Constants, then classes, then functions, as the linter wants them.
    assert room.__all__ == sorted(room.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    for name in room.__all__:
        assert getattr(room, name).__doc__
