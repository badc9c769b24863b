"""The tools that come with AgentOps. Importing this package registers them."""

from . import ask_human, http_fetch, list_files, read_file, send_email, sql_query, write_file

__all__ = ["ask_human", "http_fetch", "list_files", "read_file", "send_email", "sql_query", "write_file"]
