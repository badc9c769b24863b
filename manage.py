#!/usr/bin/env python
"""Django's command line; a configuration that cannot work is said in one line."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")

if __name__ == "__main__":
    from agentops.env import ConfigurationError

    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(f"agentops: {error}")
