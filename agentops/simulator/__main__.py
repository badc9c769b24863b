"""python -m agentops.simulator --port 8001"""

from __future__ import annotations

import argparse

import uvicorn

from .server import application


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="agentops.simulator", description="A Messages API that plays scripted agents."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    options = parser.parse_args()
    uvicorn.run(application, host=options.host, port=options.port, log_level="warning", access_log=False)


main()
