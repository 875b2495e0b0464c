"""What the application hands to every route: the clock, the protocol, the settings."""

from typing import Annotated

from fastapi import Depends, Request

from services.api.core.clock import Clock
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol
from services.api.settings import Settings


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


async def _loaded(request: Request) -> Loaded:
    loaded: Loaded = request.app.state.loaded
    return loaded


async def _protocol(request: Request) -> Protocol:
    loaded: Loaded = request.app.state.loaded
    return loaded.protocol


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


ClockDep = Annotated[Clock, Depends(_clock)]
LoadedDep = Annotated[Loaded, Depends(_loaded)]
ProtocolDep = Annotated[Protocol, Depends(_protocol)]
SettingsDep = Annotated[Settings, Depends(_settings)]
