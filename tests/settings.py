"""The product's settings, on servers that belong to this test run alone."""

from tests import services

services.claim_environment()

from agentops.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]
WHITENOISE_AUTOREFRESH = True  # each test client would make a list of all files else
