"""What an operator can set: environment variables named UNMASK_..."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from inference_service.embedded import EMBEDDED
from unmask.address import is_loopback


class Config(BaseSettings):
    """The service's settings, each read from UNMASK_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="UNMASK_", extra="ignore")

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=50051, ge=0, le=65535, description="gRPC port; 0 takes a free one.")
    insecure: bool = Field(default=False, description="Allow listening beyond this machine without authentication.")
    model: str = Field(default=EMBEDDED, description=(
        "The model loaded at start: a name, a checkpoint folder or a hub id."))
    family: str = Field(default="", description="The family to load that model as; recognised if not set.")
    model_policy: Literal["", "local", "catalog"] = Field(default="", description=(
        "Which models callers may load: any (local) or those of models_file (catalog). Empty: local on loopback."))
    models_file: Path | None = Field(default=None, description="A models.toml with names for checkpoints.")
    store: str = Field(default=str(Path.home() / ".local" / "share" / "unmask" / "sessions.sqlite3"),
                       description="File that keeps the sessions; :memory: keeps none.")
    reflection: bool = Field(default=True, description="Offer gRPC reflection.")
    prediction_bytes: int = Field(default=1 << 30, ge=0, description="Memory for the newest predictions.")
    cache_bytes: int = Field(default=1 << 30, ge=0, description=(
        "Memory for what models whose attention settles, causal and block-causal ones, keep of their passes, each."))
    max_batch_tokens: int = Field(default=8192, ge=1, description=(
        "Positions in one forward pass, all sessions together."))
    stall_seconds: float = Field(default=300.0, gt=0, description=(
        "How long one forward pass may take, in seconds, before the service counts as stuck and ends."))
    max_waiting: int = Field(default=256, ge=1, description="Runs and other long work that may wait for the device.")
    max_waiting_interactive: int = Field(default=1024, ge=1, description=(
        "Single steps, predictions and the like that may wait for the device: places of their own."))
    # One connection may be a gateway, which carries up to 512 calls of 240 browsers: it fits each connection's bounds.
    connection_interactive: int = Field(default=512, ge=1, description=(
        "Calls that are answered at once, of one connection."))
    max_interactive: int = Field(default=1024, ge=1, description="Calls that are answered at once, of all connections.")
    connection_streams: int = Field(default=512, ge=1, description=(
        "Runs, loads, exports and the like, of one connection."))
    max_streams: int = Field(default=1024, ge=1, description="Runs, loads, exports and the like, of all connections.")
    connection_watches: int = Field(default=512, ge=1, description=(
        "Sessions followed, and watches of health, of a connection."))
    max_watches: int = Field(default=2048, ge=1, description=(
        "Sessions followed, and watches of health, of all connections."))
    connection_bytes: int = Field(default=384 << 20, ge=1 << 22, description=(
        "Requests, files and unread answers that are held in memory for one connection."))
    max_bytes: int = Field(default=1 << 30, ge=1 << 22, description="Requests, files and unread answers held for all.")
    max_sessions: int = Field(default=100_000, ge=1, description="Sessions kept at most.")
    session_bytes: int = Field(default=64 << 20, ge=65_536, description=(
        "How large a session's frames may grow before the oldest are dropped."))
    threads: int = Field(default=0, ge=0, description="CPU threads for the model; 0 leaves the choice to torch.")

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def policy(self) -> Literal["local", "catalog"]:
        return self.model_policy or ("local" if self.is_loopback else "catalog")
