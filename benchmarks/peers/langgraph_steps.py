"""LangGraph with its PostgresSaver: an agent and its tools as two nodes, as its own agents are built.

Saved before the next node begins (`durability="sync"`), or while it runs, which is LangGraph's default.
"""

from __future__ import annotations

import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import measuring
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

THREADS = 50


class State(MessagesState):
    steps: int


def model(state: State) -> dict[str, list[AIMessage]]:
    """Calls the tool in every turn but the last."""
    number = sum(isinstance(message, AIMessage) for message in state["messages"]) + 1
    usage = {"input_tokens": 100 * number, "output_tokens": 20, "total_tokens": 100 * number + 20}
    if number >= state["steps"]:
        return {"messages": [AIMessage("Done.", usage_metadata=usage)]}
    call = {"name": "look", "args": {"number": number}, "id": f"use_{number}"}
    return {"messages": [AIMessage("", tool_calls=[call], usage_metadata=usage)]}


def tools(state: State) -> dict[str, list[ToolMessage]]:
    last = state["messages"][-1]
    return {"messages": [ToolMessage(str(call["args"]["number"]), tool_call_id=call["id"]) for call in last.tool_calls]}


def after_model(state: State) -> str:
    return "tools" if state["messages"][-1].tool_calls else END


def main() -> None:
    given, durability = measuring.given(), sys.argv[1]
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    with ConnectionPool(given["dsn"], min_size=8, max_size=8, kwargs=options) as pool:
        saver = PostgresSaver(pool)
        saver.setup()
        graph = StateGraph(State)
        graph.add_node("model", model)
        graph.add_node("tools", tools)
        graph.add_edge(START, "model")
        graph.add_conditional_edges("model", after_model)
        graph.add_edge("tools", "model")
        compiled = graph.compile(saver)

        def run(steps: int) -> None:
            config = {"configurable": {"thread_id": str(uuid.uuid4())}, "recursion_limit": 10 * steps}
            state = compiled.invoke({"messages": [("user", "Go.")], "steps": steps}, config, durability=durability)
            if state["messages"][-1].content != "Done.":
                raise RuntimeError("A run did not come to its end.")

        with ThreadPoolExecutor(THREADS) as threads:
            measuring.say(**given, carry_out=lambda runs, steps: list(threads.map(run, [steps] * runs)))


main()
