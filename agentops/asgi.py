"""Where the web server enters: pages and REST through Django, sockets through Channels."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
# People do not wait for ever on a locked table; workers and sweeps may.
os.environ.setdefault("AGENTOPS_STATEMENT_SECONDS", "10")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from agentops.rest.short_bodies import ShortBodies  # noqa: E402
from agentops.routing import websocket_application  # noqa: E402
from runs.hooks import MOST_BYTES  # noqa: E402

http_application = ShortBodies(django_application, "/hooks/", MOST_BYTES)
application = ProtocolTypeRouter({"http": http_application, "websocket": websocket_application})
