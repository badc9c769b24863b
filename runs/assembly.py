"""The one place where the parts are put together: tools found, approvals connected, the engine surrounded."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _

from agentops.context.window import Window, budget_of
from agentops.core.errors import Conflict
from agentops.core.tools import Toolbox
from agentops.engine.outside import Outside
from agentops.engine.state import RunState
from agentops.gateway.gateway import Gateway
from agentops.gateway.windows import context_window
from agentops.tools.builtin import delegate
from agentops.tools.egress import Egress, origin_of
from agentops.tools.registry import registry
from agentops.tools.workspace import Workspace
from approvals import subjects

from . import estimating, outbox, plan_subject, stored_results, subject, success
from .committing import Means
from .pages.plan_face import PlanFace
from .recorder import Recorder
from .telling import told

READING = "read_result"


def connect() -> None:
    """Called once when Django is ready: finds every app's `tools.py` and stands behind approvals of tool calls."""
    import agentops.demo.tools
    import agentops.tools.builtin  # noqa: F401 - importing registers them

    autodiscover_modules("tools")
    subjects.register(subject.KIND, subject.ToolCallSubject())
    subjects.register(plan_subject.KIND, plan_subject.PlanSubject(), PlanFace())


def gateway() -> Gateway:
    """The way to any model, with the key and address of this installation."""
    env = settings.ENV
    return Gateway(
        api_key=env.anthropic_api_key,
        base_url=env.anthropic_base_url,
        pricing=estimating.pricing(),
        provider="simulator" if env.simulated else None,
    )


def toolbox(state: RunState) -> Toolbox:
    """Raises InvalidInput when the agent names a tool that no app has."""
    own = registry.toolbox(
        with_reading([name for name in state.agent.tools if name != delegate.NAME]), also=("ask_human",)
    )
    return own.plus(delegate.offering(state.agent.delegates)) if state.agent.delegates else own


def with_reading(tools: Sequence[str]) -> list[str]:
    """The tools that an agent has with these: who has any can read back what they gave."""
    return list(dict.fromkeys([*tools, READING])) if tools else []


def window(state: RunState) -> Window:
    agent = state.agent
    return Window(budget_of(agent.context_tokens, [context_window(model) for model in agent.chain]))


def outside(state: RunState, recorder: Recorder, means: Means) -> Outside:
    return Outside(
        model=means.model,
        toolbox=recorder.toolbox,
        journal=recorder,
        render=told,
        show=lambda step, delta: means.broadcaster.delta(state.id, step, delta.kind, delta.text, delta.tool),
        workspace=workspace(state.workspace_of or state.id),
        tool_settings=tool_settings(state.id),
        window=window(state),
        unmet=success.unmet,
        backoff=settings.AGENTOPS_BACKOFF_SECONDS,
    )


def workspace(run_id: str) -> Path:
    """The run's own folder."""
    return Path(settings.AGENTOPS_WORKSPACES) / str(run_id)


def fill_workspace(state: RunState) -> None:
    """Make the run's folder, with the files its agent's runs begin with. Nothing happens when it is there."""
    folder = workspace(state.workspace_of or state.id)
    if folder.exists():
        return
    if state.forked_from:
        copy_workspace(state.forked_from, state.id)
        if folder.exists():
            return
    begin = Path(settings.AGENTOPS_AGENT_FILES) / str(state.team_id) / state.agent.name
    draft = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    if begin.is_dir():
        shutil.copytree(begin, draft)
    else:
        draft.mkdir(parents=True)
    try:
        draft.rename(folder)
    except OSError:
        # Another worker filled it first.
        shutil.rmtree(draft)


def copy_workspace(origin: UUID | str, to: UUID | str) -> None:
    """Give a run the files of another as they are now. Nothing happens where this process sees none, or `to` has some.

    Raises Conflict when they cannot be copied.
    """
    source, folder = workspace(str(origin)), workspace(str(to))
    if not source.is_dir() or folder.exists():
        return
    draft = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    try:
        Workspace(source).copy(draft)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        why = error.strerror or str(error)
        raise Conflict(_("The run's files could not be copied (%(why)s). Try again.") % {"why": why}) from error
    try:
        draft.rename(folder)
    except OSError:
        # Another worker copied it first.
        shutil.rmtree(draft, ignore_errors=True)


def remove_workspace(run_id: UUID | str) -> None:
    shutil.rmtree(workspace(str(run_id)), ignore_errors=True)


def tool_settings(run_id: UUID | str) -> dict[str, Any]:
    """What the tools of a run are given besides its folder."""
    return {
        **_tool_settings(),
        "send_email": _mailer(str(run_id)),
        "stored_results": stored_results.reader(str(run_id)),
    }


@cache
def _tool_settings() -> dict[str, Any]:
    env = settings.ENV
    return {
        "sql_dsn": env.shop_reader_url,
        "shop_dsn": env.shop_url,
        "egress": _way_out(),
        "find_email": outbox.sent_at if settings.EMAIL_BACKEND == outbox.BACKEND else None,
    }


def _way_out() -> Egress:
    """To public addresses, to what is allowed by name, and to the demo's own pages; never back to this console."""
    env = settings.ENV
    return Egress(
        allow=frozenset(origin_of(origin) for origin in (*env.egress_allow, env.demo_origin) if origin),
        own_hosts=frozenset(host for host in (*env.allowed_hosts, env.bind) if host != "*"),
        own_port=env.port,
    )


def _mailer(run_id: str) -> Any:
    def send(*, to: str, subject: str, body: str, message_id: str) -> None:
        headers = {"Message-ID": message_id, "X-AgentOps-Run": run_id}
        try:
            EmailMessage(subject, body, to=[to], headers=headers).send()
        finally:
            connection.close()

    return send
