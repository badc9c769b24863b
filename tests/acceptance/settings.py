"""The product's settings with one more app, whose tools have effects that are counted outside the database."""

import os

from agentops.settings import *  # noqa: F403
from agentops.settings import INSTALLED_APPS as PRODUCT

INSTALLED_APPS = [*PRODUCT, "tests.acceptance.effects"]
AGENTOPS_LEASE_SECONDS = float(os.environ["ACCEPTANCE_LEASE_SECONDS"])
