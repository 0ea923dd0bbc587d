"""What grpc.health.v1 says: a service is SERVING while nothing keeps it from that."""

from collections.abc import Collection

from grpc_health.v1 import health, health_pb2


class Health:
    """Health by service, of what is wrong. "" is the whole process: what supervisors ask, who would restart it.

    A store that cannot be written makes SessionService NOT_SERVING and not the whole: sessions can still be read,
    models loaded and inspected, and a restart would mend nothing.
    """

    def __init__(self, services: Collection[str]):
        self.servicer = health.aio.HealthServicer()  # pyright: ignore[reportAttributeAccessIssue]  the stubs lack aio
        self.everything = ("", *services)
        self._wrong: dict[str, Collection[str]] = {}

    async def tell(self, part: str, keeps_down: Collection[str] = ()) -> None:
        """A part of the server keeps some services from serving; none if it is well again."""
        self._wrong[part] = keeps_down
        down = {service for services in self._wrong.values() for service in services}
        for service in self.everything:
            await self.servicer.set(service, health_pb2.HealthCheckResponse.NOT_SERVING if service in down
                                    else health_pb2.HealthCheckResponse.SERVING)
