"""The real stack under faults."""

import pytest

pytest.register_assert_rewrite("tests.acceptance.world")  # so that its assertions say what they saw
