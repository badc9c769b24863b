#!/usr/bin/env python
"""Django's command line; what stops a start is said in plain words, without a stack trace."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")

if __name__ == "__main__":
    from agentops.core.errors import AgentOpsError

    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except AgentOpsError as error:
        sys.exit(f"agentops: {error}")
