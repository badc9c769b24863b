"""The tools that come with AgentOps. Importing this package registers them."""

from . import list_files, read_file, send_email, sql_query, write_file

__all__ = ["list_files", "read_file", "send_email", "sql_query", "write_file"]
