"""Addresses of sockets. An unknown one ends like that of a run one may not see."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path, re_path

from agentops.live.consumer import LiveConsumer
from agentops.live.origin import SameOrigin
from approvals.consumers import ApprovalsConsumer, OverviewConsumer
from runs.consumers import RunConsumer

websocket_application = SameOrigin(
    AuthMiddlewareStack(
        URLRouter(
            [
                path("ws/runs/<uuid:run_id>", RunConsumer.as_asgi()),
                path("ws/approvals", ApprovalsConsumer.as_asgi()),
                path("ws/overview", OverviewConsumer.as_asgi()),
                re_path("", LiveConsumer.as_asgi()),
            ]
        )
    )
)
