FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 DJANGO_SETTINGS_MODULE=agentops.settings
RUN useradd --system --uid 10001 --create-home agentops && install -d -o agentops /data
WORKDIR /app

COPY pyproject.toml README.md ./
RUN pip install --quiet .
COPY . .

USER agentops
ENV AGENTOPS_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "agentops.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "off", "--ws-max-size", "4096", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "3", "--no-access-log", "--no-proxy-headers", "--log-level", "warning"]
