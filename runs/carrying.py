"""One stretch of a run under one lease: its rows are read, the parts put together, and it goes as far as it goes.

Whatever breaks on the way ends the run or leaves it to another worker; it never ends this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError

from agentops.core.errors import AgentOpsError, LeaseLost
from agentops.core.states import StopReason
from agentops.engine.interrupts import End
from agentops.engine.react import advance

from . import assembly, loading
from .actions.control import fail_run
from .committing import Means, returning_connection
from .lease import Lease
from .recorder import Recorder

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def carry(held: Lease, means: Means) -> bool:
    """True when something decided meanwhile wants it to go on at once."""
    with structlog.contextvars.bound_contextvars(run=held.run_id):
        try:
            return await _stretch(held, means)
        except LeaseLost as lost:
            log.info("lease_lost", why=str(lost))
        except (OperationalError, InterfaceError) as error:
            # The lease runs out and the run is taken up again when the database is back.
            log.warning("database_out_of_reach", error=str(error))
        except Exception as error:
            # Else each worker in turn would take it, stumble, and leave it to the next.
            log.exception("run_not_readable")
            detail = f"Its rows could not be read ({type(error).__name__})."
            await _in_thread(means, lambda: fail_run(held.run_id, held.fence, detail))
        return False


async def _stretch(held: Lease, means: Means) -> bool:
    state, run = await _in_thread(means, lambda: loading.load(held.run_id, held.fence))
    recorder = Recorder(held, run, means)
    try:
        means.broadcaster.event(held.run_id, held.team_id, [held.event])
        recorder.toolbox = assembly.toolbox(state)
        await _in_thread(means, lambda: assembly.fill_workspace(state))
        await advance(state, assembly.outside(state, recorder, means))
    except (OperationalError, InterfaceError, LeaseLost):
        raise
    except Exception as error:
        log.exception("run_failed")
        detail = str(error) if isinstance(error, AgentOpsError) else f"An internal error ({type(error).__name__})."
        await recorder.leave(state, [], End(StopReason.ERROR, detail=detail))
    return recorder.left_at_once


async def _in_thread(means: Means, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(means.executor, returning_connection, work)
