"""What holds for every test."""

from hypothesis import HealthCheck, settings

# The same examples on every run and every machine, and no verdict from a slow moment of the machine.
settings.register_profile("llmo", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("llmo")
