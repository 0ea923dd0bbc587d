"""Branches: their names, and how two canvases differ."""

from inference_service.errors import InvalidField
from inference_service.rpc import answers, pages, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.sessions.compare import by_position, by_token, compare
from inference_service.sessions.session import Session
from unmask.v1 import session_service_pb2 as pb


class Branches(Calls):
    @answers_errors
    async def ListBranches(self, request, context):
        size = pages.page_size(request.page_size, default=200)
        before = pages.before_branch(request.page_token)
        live = await self._get(request.session_id)

        def page():
            names = self._sessions.names(request.session_id)
            tree, first = live.session.tree, live.session.first
            lines = [line for line in tree.lines() if line.leaf >= first or line == tree.current()]
            lines = [line for line in lines if before is None or line.leaf < before]
            shown, held = [], 0
            for line in lines[:size]:
                if held > pages.PAGE_BYTES:
                    break
                shown.append(answers.branch(live, line, names))
                held += shown[-1].ByteSize()
            token = pages.branch_token(shown[-1].leaf_revision) if len(shown) < len(lines) else ""
            return pb.ListBranchesResponse(branches=shown, next_page_token=token)

        return await work.long(page)

    @answers_errors
    async def NameBranch(self, request, context):
        name = requests.branch_name(request.name)
        live = await self._get(request.session_id)

        def named():
            place = self._sessions.name(request.session_id, name, optional(request, "revision"))
            return answers.branch(live, live.session.tree.line_of(place), self._sessions.names(request.session_id))

        return pb.NameBranchResponse(branch=await work.long(named))

    @answers_errors
    async def DeleteBranchName(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        await work.brief(self._sessions.unname, request.session_id, request.name)
        return pb.DeleteBranchNameResponse()

    @answers_errors
    async def CompareRevisions(self, request, context):
        one = await self._get(request.session_id)
        requests.check_id("other_session_id", request.other_session_id)
        other = await self._get(request.other_session_id) if request.other_session_id else one
        revision = one.session.check_revision(optional(request, "revision"))
        other_revision = other.session.check_revision(optional(request, "other_revision"), "other_revision")
        if one.session.origin.model != other.session.origin.model:
            raise InvalidField("other_session_id", f"must be a session of the same model, {one.session.origin.model!r};"
                                                   f" it is one of {other.session.origin.model!r}")
        return await work.long(_compared, one.session, revision, other.session, other_revision)


def _compared(one: Session, revision: int, other: Session, other_revision: int) -> pb.CompareRevisionsResponse:
    """How two canvases differ: by where their positions come from in one session, by position or token in two."""
    tokens, other_tokens = one.state(revision).tokens, other.state(other_revision).tokens
    common = one.tree.common(revision, other_revision) if one is other else None
    if common is not None and common >= one.first:
        found = compare(tokens, other_tokens, one.sources(revision, common), one.sources(other_revision, common))
    else:
        sources = by_position if len(tokens) == len(other_tokens) else by_token
        found = compare(tokens, other_tokens, sources(len(tokens)), sources(len(other_tokens)))
    return pb.CompareRevisionsResponse(spans=answers.comparison(found), exact=found.exact,
                                       equal_count=found.equal_count, common_revision=common)
