"""How the Hypothesis tests of this room run: the same examples every time, however long one takes."""

from hypothesis import HealthCheck, Phase, settings

FUZZ = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=600,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
