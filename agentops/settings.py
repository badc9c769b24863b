"""Django's settings. What differs between installations comes from `agentops.env`, the one reader of variables."""

from __future__ import annotations

from pathlib import Path

from agentops import env as environment

ENV = environment.load()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = ENV.secret_key
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)

INSTALLED_APPS = [
    "agentops.accounts.site.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "channels",
    "agentops",
    "agentops.accounts",
    "approvals",
    "runs",
    *ENV.apps,
]

MIDDLEWARE = [
    "agentops.security.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "agentops.rest.problems.ProblemResponses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "agentops.accounts.middleware.SignInRequired",
    "agentops.accounts.middleware.ActorMiddleware",
    "agentops.accounts.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "agentops.urls"
ASGI_APPLICATION = "agentops.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "runs.pages.context.console",
            ],
        },
    }
]

DATABASES = {
    "default": {
        **ENV.database,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **ENV.database.get("OPTIONS", {}),
            # Only the journal's statements are prepared; planning them anew would cost more than running them. Those
            # ask for it themselves, which psycopg heeds only where there is a threshold; no other reaches this one.
            "prepare_threshold": 1_000_000_000,
            "options": f"-c plan_cache_mode=force_generic_plan -c statement_timeout={ENV.statement_seconds}s",
            "pool": {"min_size": 1, "max_size": 8, "timeout": 30, "max_idle": 300},
        },
    }
}
REDIS_URL = ENV.redis_url

AUTHENTICATION_BACKENDS = ["agentops.accounts.backend.Backend"]
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENV.https
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if ENV.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ENV.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.https else None
AGENTOPS_BEHIND_PROXY = ENV.https
"""Whether the last hop of X-Forwarded-For is believed."""
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENV.allowed_hosts if host != "*"] if ENV.https else []
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000  # a plan of 40 steps, each with many tools and after many others

EMAIL_BACKEND = "runs.outbox.OutboxBackend"
DEFAULT_FROM_EMAIL = "agents@localhost"

CELERY = {
    "broker_url": ENV.broker_url,
    "task_ignore_result": True,
    "task_acks_late": False,
    "task_default_queue": "sweeps",
    "task_routes": {"runs.tasks.advance": {"queue": "runs"}},
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    # No second try to reach a dead broker, and a second for a hung one: a decision would wait for it. The sweep finds
    # what was not announced.
    "broker_transport_options": {
        "visibility_timeout": 3600,
        "socket_keepalive": True,
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
        "max_retries": 0,
    },
    "timezone": "UTC",
}

AGENTOPS_WORKSPACES = ENV.data_dir / "workspaces"
AGENTOPS_AGENT_FILES = ENV.data_dir / "agents"
"""Files that a run's workspace begins with: a folder a team's id, in it one an agent's name."""
AGENTOPS_LEASE_SECONDS = 10
AGENTOPS_BACKOFF_SECONDS = (10.0, 60.0, 300.0)
"""How long a run waits, without a slot, after every model of its chain has failed."""
AGENTOPS_GRACE_SECONDS = ENV.grace_seconds
"""How long after a person's approval it may be taken back; only then it is carried out."""
AGENTOPS_MIN_VISIBLE_SECONDS = 60
"""How long an overdue countdown stays visible after a downtime before it may fire."""
AGENTOPS_API_REQUESTS_A_MINUTE = 1200
"""Of one token. Beyond it, 429 with Retry-After."""
AGENTOPS_API_REFUSALS_A_MINUTE = 60
"""Bad tokens from one address before they are answered with 429; and as many bad signatures."""
AGENTOPS_DELIVERIES_A_MINUTE = 120
"""Of one webhook. Beyond it, 429 with Retry-After."""

LOGGING_CONFIG = "agentops.logs.configure"
LOGGING = {"level": "DEBUG" if DEBUG else "INFO"}
SILENCED_SYSTEM_CHECKS: list[str] = []
