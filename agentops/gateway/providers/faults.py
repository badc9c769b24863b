"""Every way in which a call can fail, told apart: what SDK, transports and stream raise → a fault's kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import anthropic
import httpx2
import pydantic

from .base import ProviderFault

_BY_STATUS = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    429: "rate_limited",
    504: "timeout",
    529: "overloaded",
}
_BY_TYPE = {
    "authentication_error": "auth",
    "billing_error": "auth",
    "permission_error": "auth",
    "not_found_error": "not_found",
    "invalid_request_error": "rejected",
    "request_too_large": "rejected",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
}
_PLAIN = {
    "rate_limited": "the rate limit is reached",
    "overloaded": "the provider is overloaded",
    "server_error": "the provider had an error",
    "rejected": "the provider refused the request",
    "auth": "the API key was refused",
    "not_found": "there is no such model",
    "timeout": "the provider took too long",
}


def classify(error: Exception) -> ProviderFault:
    """What went wrong, in one of the known kinds. What nobody foresaw is `malformed`: never lost, and retried."""
    if isinstance(error, ProviderFault):
        return error
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error)
    if isinstance(
        error, TimeoutError | anthropic.APITimeoutError | httpx2.TimeoutException | aiohttp.ServerTimeoutError
    ):
        return ProviderFault("timeout", "no answer, or no more of it, in time")
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError | aiohttp.ClientError | OSError):
        return ProviderFault("connection", f"the connection failed: {_cause(error)}")
    if isinstance(error, UnicodeEncodeError):
        return ProviderFault("rejected", "the request has characters that cannot be sent (lone surrogates)")
    if isinstance(
        error,
        json.JSONDecodeError | AssertionError | pydantic.ValidationError | anthropic.APIResponseValidationError,
    ):
        return ProviderFault("malformed", f"what came back is not an answer ({type(error).__name__})")
    return ProviderFault("malformed", f"unexpected {type(error).__name__} in the answer: {_short(error)}")


def of_stream_event(event: dict[str, Any], request_id: str) -> ProviderFault:
    """An `error` event after a 200: the provider gave up in mid-answer."""
    detail = event.get("error")
    detail = detail if isinstance(detail, dict) else {}
    kind = _BY_TYPE.get(str(detail.get("type")), "server_error")
    return ProviderFault(
        kind, f"{_PLAIN[kind]}, in mid-answer: {_short(detail.get('message') or detail)}", request_id=request_id
    )


def _of_status(error: anthropic.APIStatusError) -> ProviderFault:
    status = error.status_code
    kind = _BY_STATUS.get(status) or ("server_error" if status >= 500 else "rejected")
    message = f"{_PLAIN[kind]} (HTTP {status}: {_short(error.api_message or error.message)})"
    return ProviderFault(
        kind,
        message,
        retry_after=retry_after(error.response.headers, datetime.now(UTC)),
        request_id=error.request_id or "",
    )


def retry_after(headers: httpx2.Headers, now: datetime) -> float | None:
    """Seconds the provider asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    try:
        if value := headers.get("retry-after-ms"):
            return max(float(value) / 1000, 0.0)
        if not (value := headers.get("retry-after")):
            return None
        try:
            return max(float(value), 0.0)
        except ValueError:
            date = parsedate_to_datetime(value)
            return max(((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds(), 0.0)
    except ValueError:
        return None


def _cause(error: BaseException) -> str:
    """The innermost reason: the SDK's own message says only "Connection error."."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _short(error) or type(error).__name__


def _short(value: object) -> str:
    return " ".join(str(value).split())[:300]
