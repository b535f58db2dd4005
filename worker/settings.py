"""Every setting, read once from the environment (or ``.env``), then passed as an argument.

No secret has a default. A wrong setting ends the program with one line and exit code 2.
"""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSource

from schemas.intents.urls import is_absolute, is_development
from worker.errors import SettingsError

PREFIX = "ORDERLINE_"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def _read_seconds(value: object) -> object:
    """A bare number is seconds, also as text, which is all that an environment can hold."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Span = Annotated[timedelta, BeforeValidator(_read_seconds), Field(ge=timedelta(0))]
"""A duration: seconds (``30``) or ISO 8601 (``PT30S``)."""


class Settings(BaseSettings):
    """What an installation decides. Each field is the variable ``ORDERLINE_<NAME>``.

    Durations are seconds (``30``) or ISO 8601 (``PT30S``).
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr
    """PostgreSQL, as ``postgresql://user:password@host:port/name``."""
    redis_url: SecretStr
    """Redis 6.2 or newer, as ``redis://:password@host:port/0``."""
    encryption_keys: SecretStr
    """Keys for what is encrypted at rest, comma separated; the first one encrypts. Make one
    with ``orderline new-key``."""
    accounts: dict[str, dict[str, dict[str, SecretStr]]] = Field(default_factory=dict)
    """Provider accounts: ``ORDERLINE_ACCOUNTS__<PROVIDER>__<ACCOUNT>__<FIELD>``."""

    development_hosts: str = ""
    """Comma-separated ``host`` or ``host:port`` that webhooks may reach by plain http and on
    private addresses. Leave it empty in production."""

    public_url: str | None = None
    """Where providers and producers reach ``orderline gateway`` from outside (https), without a
    query. With it, each order's own callback URL goes to a provider that takes one."""
    gateway_proxies: str = ""
    """Comma-separated addresses or networks of the proxies before the gateway, whose
    ``X-Forwarded-For`` is believed. Empty: nobody's."""
    gateway_callbacks_per_minute: int = Field(default=6000, ge=1)
    """How many callbacks one address may send to a gateway process in a minute."""
    gateway_calls_per_minute: int = Field(default=6000, ge=1)
    """How many calls of ``/v1`` one producer may make to a gateway process in a minute."""
    gateway_strangers_per_minute: int = Field(default=120, ge=1)
    """How many requests without a valid API key, and other than callbacks, one address may make."""
    gateway_timeout: Annotated[Span, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=10)
    """How long the gateway takes for one request, at most, from its first byte to the answer."""

    quote_window: Span = timedelta(minutes=10)
    """How long a quote lives whose intent names no ``expires_at``."""
    requotes: int = Field(default=3, ge=0, le=100)
    """How often one order may ask for a new quote, where its intent allows that."""
    quote_margin: Span = timedelta(seconds=2)
    """A call that commits money must be able to end this long before its quote expires."""
    clock_skew: Span = timedelta(seconds=60)
    """How far in our future a producer's ``quoted_at`` may lie."""

    start_grace: Span = timedelta(seconds=5)
    """How long after its attempt was recorded a call may still start."""
    lease_margin: Span = timedelta(seconds=20)
    """How much longer a lease lasts than the longest call made under it."""
    retry_base: Span = timedelta(seconds=1)
    """First ceiling of the exponential back-off; it doubles with each try."""
    retry_cap: Span = timedelta(minutes=5)
    """Highest ceiling of the back-off."""
    retry_for: Span = timedelta(hours=24)
    """An order without a quote that could never be sent fails after this long."""
    max_tries: int = Field(default=50, ge=1)
    """An order whose call was surely not made this often in a row fails."""
    retry_share: float = Field(default=0.1, ge=0, le=1)
    """How many retries an account may have, as a share of its calls."""
    retry_floor: float = Field(default=5.0, gt=0)
    """How many more it may have in a second, per worker process, whatever is called."""
    look_up_waits: str = "5,30,120,600"
    """Seconds between the look-ups that settle a doubt, comma separated; at least three."""
    absence_after: Span = timedelta(minutes=10)
    """An order that its provider does not know may still appear there this long after the call
    (and five times the call's deadline); only then its absence is believed."""

    breaker_window: Annotated[Span, Field(ge=timedelta(seconds=10))] = timedelta(minutes=1)
    """Over how long an account's calls are added up that failed: unreachable, unanswered or 5xx."""
    breaker_share: float = Field(default=0.5, gt=0, le=1)
    """Once this share of them failed, its breaker opens: none of its orders is called for until
    single probes are answered."""
    breaker_calls: int = Field(default=10, ge=1)
    """Fewer calls within the window say nothing."""
    breaker_pause: Annotated[Span, Field(ge=timedelta(seconds=1))] = timedelta(seconds=30)
    """How long an open breaker waits for its first probe: at least this, and at least as long as a
    call lasts; twice as long after each probe that fails, up to five minutes."""

    reconcile_every: Annotated[Span, Field(ge=timedelta(seconds=1))] = timedelta(hours=1)
    """How often each account's orders are held beside its provider's own books."""
    reconcile_back: Annotated[Span, Field(ge=timedelta(minutes=1))] = timedelta(days=2)
    """How far back that looks: orders accepted since then, and what stands there since then."""

    delivery_concurrency: int = Field(default=512, ge=1, le=2000)
    """Webhooks under way at once, per worker process."""
    delivery_timeout: Span = timedelta(seconds=15)
    """Hard deadline of one webhook delivery."""
    delivery_per_endpoint: int = Field(default=64, ge=1, le=2000)
    """How many of those under way may go to one endpoint; fewer where they run short, so that
    endpoints that hang leave something to the others."""
    endpoint_disable_after: Annotated[Span, Field(ge=timedelta(minutes=1))] = timedelta(days=5)
    """An endpoint that did nothing but fail for this long is disabled: nothing is sent there until
    ``orderline endpoints enable``."""
    open_per_producer: int = Field(default=100_000, ge=1)
    """How many orders of one producer may be open at once (neither ended nor parked), unless it has
    a limit of its own. What goes beyond is set aside as ``too_many_open``."""
    intake_batch: int = Field(default=200, ge=1, le=2000)
    """Stream entries read and committed at once."""
    grace: Span = timedelta(seconds=20)
    """How long a stopping worker lets calls under way finish."""

    retention: Annotated[Span, Field(ge=timedelta(days=1))] = timedelta(days=90)
    """How long an order is kept after it ended, and an entry in quarantine after it was closed. Of
    an order its tombstone stays for ever: a repeat is known as one."""
    personal_data_for: Span = timedelta(days=14)
    """How long after that end personal data, delivered codes and exact requests are kept. At most
    ``retention``."""

    health_overdue: Span = timedelta(seconds=60)
    """``orderline health`` is red once an order or a notification has been due for this long and
    nobody took it; so is a worker that did not even look for as long."""
    health_intake: Span = timedelta(seconds=30)
    """It is red once an intent or a callback waits in its stream for this long, or a worker did not
    get through to read its streams."""
    health_silence: Annotated[Span, Field(ge=timedelta(seconds=5))] = timedelta(seconds=15)
    """It is red once the sweep, which beat rings for every second, or the loop of a worker, which
    gives a sign every two, has been silent for this long."""
    pulse_dir: Path | None = None
    """Where each worker process keeps the small file by which ``orderline health --worker`` sees it
    move. The system's folder for temporary files, unless set."""

    metrics_port: int = Field(default=0, ge=0, le=65_535)
    """Where a worker process answers ``/metrics``; 0: nowhere. The gateway does so at its own."""
    metrics_host: str = "127.0.0.1"
    """The address of that port."""
    metrics_token: Annotated[SecretStr | None, BeforeValidator(lambda said: said or None)] = Field(
        default=None, min_length=16
    )
    """What whoever asks for metrics must show (``Authorization: Bearer ...``). Without one the
    gateway tells them to this machine only."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """``auto``: colours on a terminal, JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe log line that is written."""

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition("://")[0]
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value().partition("://")[0] not in {"redis", "rediss"}:
            raise ValueError("must start with redis:// or rediss://")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_reached_securely(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            return None
        hosts = _hosts(info.data.get("development_hosts", "")) | _LOOPBACK
        secure = value.startswith("https://") or is_development(value, hosts)
        if not (secure and is_absolute(value)) or "?" in value or "#" in value:
            raise ValueError(
                "must be an https URL without user, query and fragment"
                f" (http only to this machine or a host in {PREFIX}DEVELOPMENT_HOSTS)"
            )
        return value

    @field_validator("gateway_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        try:
            for each in filter(None, map(str.strip, value.split(","))):
                ip_network(each)
        except ValueError:
            raise ValueError("must be IP addresses or networks, comma separated") from None
        return value

    @field_validator("look_up_waits")
    @classmethod
    def _are_seconds(cls, value: str) -> str:
        try:
            waits = _spans(value)
        except (ValueError, OverflowError):
            raise ValueError("must be numbers of seconds, comma separated") from None
        if len(waits) < 3 or min(waits) <= timedelta():  # noqa: PLR2004 -- as the message says
            raise ValueError("must name at least three waits, each above zero")
        return value

    @field_validator("personal_data_for")
    @classmethod
    def _is_no_longer_than_the_rest(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        retention = info.data.get("retention")
        if retention is not None and value > retention:
            raise ValueError(f"must not be longer than {PREFIX}RETENTION")
        return value

    @property
    def encryption_key_list(self) -> list[str]:
        """``encryption_keys``, one by one, the current one first."""
        keys = self.encryption_keys.get_secret_value().split(",")
        return [key.strip() for key in keys if key.strip()]

    @property
    def look_up_schedule(self) -> tuple[timedelta, ...]:
        """``look_up_waits`` as durations."""
        return _spans(self.look_up_waits)

    @property
    def development_host_set(self) -> frozenset[str]:
        """``development_hosts`` as a set."""
        return _hosts(self.development_hosts)

    @property
    def sqlalchemy_url(self) -> str:
        """``database_url`` with the driver that Orderline speaks."""
        rest = self.database_url.get_secret_value().partition("://")[2]
        return f"postgresql+psycopg://{rest}"


def _hosts(named: str) -> frozenset[str]:
    return frozenset(h.strip().lower() for h in named.split(",") if h.strip())


def _spans(waits: str) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=float(part)) for part in waits.split(","))


def load_settings() -> Settings:
    """Read the settings.

    Raises ``SettingsError``: one line for each variable that is missing or wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{PREFIX}{'__'.join(str(part).upper() for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("; ".join(faults)) from None
    except UnreadableSource:
        # The accounts are the only setting that may come as JSON.
        raise SettingsError(f"{PREFIX}ACCOUNTS: must be a JSON object") from None
