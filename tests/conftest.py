"""What every test process is told before anything is imported: Powertools reads it once, when it is first used."""

import os

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "LLMOptimizer")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
