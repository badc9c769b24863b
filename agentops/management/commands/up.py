"""`manage.py up`: the whole stack in the foreground."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agentops import env
from agentops.devstack.up import up


class Command(BaseCommand):
    help = "Run everything in the foreground: servers, web, workers. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", help="port of the console (instead of AGENTOPS_PORT)")
        parser.add_argument("--no-demo", action="store_true", help="without the demo's agent, data and shop")

    def handle(self, *args: Any, **options: Any) -> None:
        variables = dict(os.environ)
        if options["port"] is not None:
            variables["AGENTOPS_PORT"] = options["port"]
        up(env.load(variables), demo=not options["no_demo"])
