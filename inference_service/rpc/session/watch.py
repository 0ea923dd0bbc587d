"""WatchSession: a session's frames as they come."""

import asyncio

from inference_service.errors import DataLoss, NotFound
from inference_service.rpc import answers, convert, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.streams import Wakeup
from inference_service.sessions.live import LiveSession
from unmask.v1 import session_service_pb2 as pb

FRAMES_AT_ONCE = 16  # that a watcher reads before it sends them


class Watch(Calls):
    @answers_errors
    async def WatchSession(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        after = optional(request, "after_revision")
        wakeup = Wakeup()
        live = await self._followed(request.session_id, wakeup)
        session = live.session
        first, names_version = session.first, None
        knows_names = after is not None  # and perhaps some that are gone
        try:
            if after is None:
                following = first
                roots = await work.brief(session.roots, first) if first else [0]
                for revision in [roots[-1], *roots[:-1]]:
                    yield pb.WatchSessionResponse(session=await work.brief(answers.base, live, revision))
            else:
                following = session.check_revision(after, "after_revision") + 1
            while True:
                if session.first > first:
                    first = session.first
                    yield pb.WatchSessionResponse(trimmed=pb.HistoryTrimmed(first_revision=first))
                    session.check_revision(min(following, session.head), "after_revision")
                while following <= session.head:
                    frames = await work.brief(self._page, request.session_id, following, session.head)
                    for answer in frames:
                        yield answer
                        following += 1
                if live.names_version != names_version:
                    names = await work.brief(self._sessions.names, request.session_id)
                    if names or knows_names:
                        yield pb.WatchSessionResponse(names=pb.BranchNames(revisions=names))
                    names_version, knows_names = live.names_version, True
                if live.deleted:
                    raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND")
                await wakeup.wait()
        finally:
            self._sessions.unfollow(live, wakeup)

    def _bodies(self, session_id: str, first: int, last: int) -> list[bytes]:
        """The frames of some revisions; those before the first damaged one, which raises when it is its turn."""
        try:
            return self._sessions.bodies(session_id, first, last)
        except DataLoss as error:
            if (at := int(error.metadata.get("revision", first))) <= first:
                raise
            return self._sessions.bodies(session_id, first, at - 1)

    def _page(self, session_id: str, first: int, head: int) -> list[pb.WatchSessionResponse]:
        """The next frames, at least one."""
        bodies = self._bodies(session_id, first, min(head, first + FRAMES_AT_ONCE - 1))
        return [pb.WatchSessionResponse(frame=convert.sent_from_bytes(body)) for body in bodies]

    async def _followed(self, session_id: str, wakeup: Wakeup) -> LiveSession:
        """The session, followed; not any more if the call ends meanwhile."""
        following = work.brief.submit(self._sessions.follow, session_id, wakeup)
        try:
            return await asyncio.wrap_future(following)
        except asyncio.CancelledError:
            following.add_done_callback(lambda done: done.cancelled() or done.exception() or self._sessions.unfollow(
                done.result(), wakeup))
            raise
