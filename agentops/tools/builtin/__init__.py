"""The tools that come with AgentOps. Importing this package registers them."""

from . import (
    ask_human,
    delegate,
    http_fetch,
    list_files,
    note_fact,
    read_file,
    read_result,
    restore_file,
    send_email,
    sql_query,
    write_file,
)

__all__ = [
    "ask_human",
    "delegate",
    "http_fetch",
    "list_files",
    "note_fact",
    "read_file",
    "read_result",
    "restore_file",
    "send_email",
    "sql_query",
    "write_file",
]
