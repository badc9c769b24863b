"""Every socket, opened by everybody: as the table of tests/access has it."""

from __future__ import annotations

import pytest
from channels.routing import URLRouter

from agentops.accounts.models import Role
from agentops.live.threads import in_thread
from agentops.routing import websocket_application
from tests.access.expected import SOCKETS, WHO
from tests.api import factories
from tests.live import rows

CODES = {"sign-in": 4401, "gone": 4404}


def routed() -> set[str]:
    """The addresses that the application knows, whatever is wrapped around its router."""
    layer = websocket_application
    while not isinstance(layer, URLRouter):
        layer = getattr(layer, "application", None) or layer.inner
    return {str(route.pattern) for route in layer.routes}


def test_no_socket_is_missing_from_the_table_and_none_is_there_in_vain():
    assert routed() == set(SOCKETS)


@pytest.mark.parametrize("who", WHO)
async def test_each_socket_opens_to_those_of_the_table_alone(opened, who):
    def people():
        home, elsewhere = rows.make_team(), rows.make_team()
        person = factories.person(
            elsewhere if who == "stranger" else None if who == "superuser" else home,
            who if who in Role.values else Role.ADMIN,
            is_superuser=who == "superuser",
        )
        client = None if who == "anonymous" else rows.sign_in(person)
        if who == "deactivated":
            person.is_active = False
            person.save()
        return rows.make_run(home), client

    run, client = await in_thread(people)
    for path, rule in SOCKETS.items():
        browser = await opened("/" + (path.replace("<uuid:run_id>", str(run.pk)) or "ws/nowhere"), client)
        if rule[who] == "in":
            assert (await browser.until("heartbeat", "closed"))["type"] == "heartbeat", path
        else:
            assert await browser.code() == CODES[rule[who]], path
