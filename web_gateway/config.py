"""What can be set, all of it by environment variables that begin with UNMASK_."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from unmask.address import is_loopback, joined


class Settings(BaseSettings):
    """The gateway's settings; each is the variable UNMASK_<NAME>. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="UNMASK_", extra="ignore", frozen=True)

    web_host: str = Field(default="127.0.0.1", min_length=1)
    web_port: int = Field(default=8000, ge=1, le=65535)
    inference_address: str = "127.0.0.1:50051"
    # Names under which the page may be asked for, besides localhost, IP addresses, the name that is bound and those of
    # allowed_origins; separated by commas. * lets every name in: for behind a proxy that checks them itself.
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    # Origins let in besides the page's own, such as https://lab.example; separated by commas.
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    # Allows a bind that other machines can reach. There are no tokens yet.
    insecure: bool = False
    frontend_dir: Path = Path(__file__).resolve().parent.parent / "frontend"
    access_log: bool = False

    max_sockets: int = Field(default=240, ge=1, le=4096)
    max_calls_per_socket: int = Field(default=32, ge=1)
    max_calls: int = Field(default=512, ge=1)
    max_frame_bytes: int = Field(default=64 * 1024, ge=1024)
    max_recording_bytes: int = Field(default=256 << 20, ge=1024)
    max_buffered_frames: int = Field(default=32, ge=1)
    # Of one socket, control frames and fragments included; beyond that it is read more slowly.
    max_frames_per_second: int = Field(default=500, ge=1)
    # Connections that have not asked for anything yet; the oldest makes room for a new one.
    max_silent: int = Field(default=1024, ge=16)
    # Uploads, and downloads, at once.
    max_transfers: int = Field(default=8, ge=1)
    # What is held of an answer that its reader takes slowly.
    max_held_bytes: int = Field(default=1 << 20, ge=1024)

    # A forward pass of a large model on a CPU takes minutes.
    unary_timeout: float = Field(default=300, gt=0)
    stream_timeout: float = Field(default=3600, gt=0)
    # A client that takes none of what it is sent for this long is dropped.
    send_timeout: float = Field(default=5, gt=0)
    ping_interval: float = Field(default=20, gt=0)
    # From a connection's beginning, or a later request's first byte, to the end of the request's head.
    head_timeout: float = Field(default=10, gt=0)
    # Between two requests on a connection.
    idle_timeout: float = Field(default=5, gt=0)
    # A body or an answer may keep the gateway waiting for `transfer_grace`, and a second more for each `transfer_rate`
    # bytes that it has moved.
    transfer_grace: float = Field(default=10, gt=0)
    transfer_rate: float = Field(default=32 * 1024, gt=0)
    # How long a closing socket waits for the client's own close.
    linger: float = Field(default=2, gt=0)

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value):
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(part.strip().rstrip("/").lower() for part in parts if part.strip())

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, hosts):
        for host in hosts:
            if host != "*" and not re.fullmatch(r"[a-z0-9._-]+", host):
                raise ValueError(f"{host!r} is not a host's name such as lab.example, without scheme and port")
        return tuple(host.removesuffix(".") for host in hosts)

    @model_validator(mode="after")
    def _refuse_open_bind(self):
        if not self.insecure and not is_loopback(self.web_host):
            raise ValueError(
                f"UNMASK_WEB_HOST={self.web_host} can be reached from other machines, and nothing asks them for a "
                "token; give --insecure or UNMASK_INSECURE=1 if that is meant"
            )
        return self

    @property
    def bind(self) -> str:
        """The address as gunicorn writes it, host:port."""
        return joined(self.web_host, self.web_port)
