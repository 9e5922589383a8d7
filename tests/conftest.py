"""Settings of the property tests: HYPOTHESIS_PROFILE=nightly looks harder. One thread for each test that trains."""

import os

from hypothesis import settings

settings.register_profile("ordinary", max_examples=200, deadline=None)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ordinary"))

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, and the tiny model is no faster with more
