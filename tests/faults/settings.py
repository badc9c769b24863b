"""The product's settings with tools that keep a ledger, short times, and a clock that can be put wrong."""

import os

from . import clock

if "FAULTS_CLOCKS" in os.environ:
    clock.bend()

from agentops.settings import *  # noqa: F403
from agentops.settings import INSTALLED_APPS as PRODUCT

INSTALLED_APPS = [*PRODUCT, "tests.faults.effects"]
AGENTOPS_LEASE_SECONDS = float(os.environ.get("FAULTS_LEASE_SECONDS", "2"))
AGENTOPS_BACKOFF_SECONDS = (1.0, 2.0, 3.0, 3.0, 3.0)
AGENTOPS_MIN_VISIBLE_SECONDS = 2
AGENTOPS_API_REQUESTS_A_MINUTE = 1_000_000
