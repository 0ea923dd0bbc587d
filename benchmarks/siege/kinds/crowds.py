"""Many at once."""

from __future__ import annotations

import asyncio
import time
from statistics import median

import grpc

from benchmarks.siege.attack import WAIT, Broken, Client, Siege, attack
from benchmarks.siege.ended import Ended, ask, end_of
from benchmarks.siege.processes import OPTIONS
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

ENDS = "frames or RESOURCE_EXHAUSTED with ErrorInfo and RetryInfo for every call; health is never refused"


async def streamed(call, most: int | None = None) -> Ended:
    """Reads an asynchronous stream to its end, or to `most` answers and cancels it then."""
    begun, answers = time.monotonic(), 0
    try:
        async for _ in call:
            answers += 1
            if answers == most:
                call.cancel()
                break
    except grpc.RpcError as error:
        return end_of(error, answers, time.monotonic() - begun)
    return Ended("OK", answers=answers, seconds=time.monotonic() - begun)


def connections(siege: Siege, count: int) -> list[SessionServiceStub]:
    """Each a connection of its own; within a running event loop."""
    return [SessionServiceStub(grpc.aio.insecure_channel(siege.service.address, options=OPTIONS))
            for _ in range(count)]


def check_typed(siege: Siege) -> None:
    """Every end is frames or a refusal that says when to try again."""
    odd = [end for end in siege.ends if not end.ok and not (
        end.code == "RESOURCE_EXHAUSTED" and end.typed and end.retry is not None)]
    if odd:
        raise Broken(f"{len(odd)} of {len(siege.ends):,} calls ended otherwise, such as {odd[0]}:"
                     f" {odd[0].message[:160]}")


def ordinary(siege: Siege, count: int) -> list[Ended]:
    """Get, List and Predict of a client that has a connection of its own."""
    client = Client(siege.service.address)
    ends = [ask(client.sessions.ListSessions, pb.ListSessionsRequest(page_size=5), 20)]
    try:
        session_id = client.create(16)
    except grpc.RpcError as error:
        return [*ends, end_of(error)]
    for _ in range(count):
        ends.append(ask(client.sessions.GetSession, pb.GetSessionRequest(session_id=session_id), 20))
        ends.append(ask(client.sessions.Predict, pb.PredictRequest(session_id=session_id), 20))
    client.channel.close()
    return ends


def watched(siege: Siege, on: int) -> str:
    """1,024 watchers on some connections, and an ordinary client beside them."""
    session_id = siege.client.create(16)

    async def crowd() -> list[Ended]:
        stubs = connections(siege, on)
        calls = [stubs[number % on].WatchSession(pb.WatchSessionRequest(session_id=session_id), timeout=WAIT)
                 for number in range(1024)]
        held = [asyncio.create_task(streamed(call)) for call in calls]
        await asyncio.wait(held, timeout=4)
        siege.idle = sum(not task.done() for task in held)
        beside = await asyncio.to_thread(ordinary, siege, 10)
        refused = [task.result() for task in held if task.done()]
        [call.cancel() for call in calls]
        await asyncio.wait([task for task in held if not task.done()] or [asyncio.create_task(asyncio.sleep(0))])
        siege.ends += refused
        return beside

    beside = asyncio.run(crowd())
    if any(not end.ok for end in beside):
        raise Broken(f"an ordinary client beside them: {next(end for end in beside if not end.ok)}")
    check_typed(siege)
    return f"{siege.idle} watch, another client's {len(beside)} calls are answered"


@attack("admission", ENDS)
def watchers_on_one_connection(siege: Siege) -> str:
    """1,024 idle WatchSession calls on one connection."""
    return watched(siege, 1)


@attack("admission", ENDS)
def watchers_on_64_connections(siege: Siege) -> str:
    """1,024 idle WatchSession calls on 64 connections."""
    return watched(siege, 64)


@attack("admission", ENDS + "; interactive calls are answered")
def steps_of_2000_at_once(siege: Siege) -> str:
    """2,000 Steps at once on 20 connections, each of its own session, and 40 interactive calls of another client."""
    ids = [siege.client.create(16) for _ in range(2000)]
    siege.begin()

    async def crowd() -> list[Ended]:
        stubs = connections(siege, 20)
        calls = [stubs[number % 20].Step(pb.StepRequest(session_id=ids[number], count=2), timeout=WAIT)
                 for number in range(2000)]
        held = [asyncio.create_task(streamed(call)) for call in calls]
        beside = await asyncio.to_thread(ordinary, siege, 20)
        siege.ends += await asyncio.gather(*held)
        return beside

    beside = asyncio.run(crowd())
    refused = [end for end in beside if not end.ok]
    if refused:
        raise Broken(f"{len(refused)} of {len(beside)} interactive calls: {refused[0]}: {refused[0].message[:120]}")
    check_typed(siege)
    return f"another client's {len(beside)} calls are answered"


@attack("admission", "an interactive Predict waits for at most one running pass: alone + the longest pass + 250 ms")
def interactive_beside_200_runs(siege: Siege) -> str:
    """200 sessions that run to their end on 20 connections, and Predict of another client meanwhile."""
    client = Client(siege.service.address)
    mine = client.create(64)

    def predicted() -> float:
        end = siege.ask(client.sessions.Predict, pb.PredictRequest(session_id=mine), WAIT)
        if not end.ok:
            raise Broken(f"Predict: {end}: {end.message[:120]}")
        client.step(mine, 1)  # another canvas: no prediction of it is at hand
        return end.seconds

    alone = median(predicted() for _ in range(5))
    ids = [client.create(200) for _ in range(200)]
    siege.begin()
    passes: list[float] = []

    async def run(call) -> Ended:
        begun, answers = time.monotonic(), 0
        try:
            async for answer in call:
                answers += 1
                passes.append(answer.frame.summary.compute_time.ToNanoseconds() / 1e9)
        except grpc.RpcError as error:
            return end_of(error, answers, time.monotonic() - begun)
        return Ended("OK", answers=answers, seconds=time.monotonic() - begun)

    async def crowd() -> list[float]:
        stubs = connections(siege, 20)
        calls = [stubs[number % 20].Step(pb.StepRequest(session_id=id), timeout=20) for number, id in enumerate(ids)]
        held = [asyncio.create_task(run(call)) for call in calls]
        await asyncio.sleep(1.5)
        waits = [await asyncio.to_thread(predicted) for _ in range(20)]
        [call.cancel() for call in calls]
        await asyncio.wait(held)
        siege.ends += [task.result() for task in held if task.done() and not task.cancelled()]
        return waits

    waits = asyncio.run(crowd())
    siege.ends = [end for end in siege.ends if end.code != "CANCELLED"]
    longest = max(passes, default=0.0)
    told = (f"Predict {median(waits) * 1e3:.0f} ms at the median, {max(waits) * 1e3:.0f} at most; alone"
            f" {alone * 1e3:.0f} ms; the longest pass {longest * 1e3:.0f} ms")
    if median(waits) > alone + longest + 0.25:
        raise Broken(told)
    return told


@attack("admission", ENDS)
def connections_of_500(siege: Siege) -> str:
    """500 connections with a call each, all at once."""
    session_id = siege.client.create(16)

    async def crowd() -> list[Ended]:
        async def one(stub) -> Ended:
            begun = time.monotonic()
            try:
                await stub.GetSession(pb.GetSessionRequest(session_id=session_id), timeout=WAIT)
            except grpc.RpcError as error:
                return end_of(error, 0, time.monotonic() - begun)
            return Ended("OK", answers=1, seconds=time.monotonic() - begun)

        return await asyncio.gather(*map(one, connections(siege, 500)))

    siege.ends += asyncio.run(crowd())
    check_typed(siege)
    return f"the slowest took {max(end.seconds for end in siege.ends):.1f} s"


@attack("admission", ENDS)
def bytes_of_300_large_requests(siege: Siege) -> str:
    """300 Tokenize calls of 3.9 MB each, all at once on 10 connections."""
    from unmask.v1 import model_service_pb2 as models_pb
    from unmask.v1.model_service_pb2_grpc import ModelServiceStub

    request = models_pb.TokenizeRequest(text="once upon a time " * (3_900_000 // 17))

    async def crowd() -> list[Ended]:
        stubs = [ModelServiceStub(grpc.aio.insecure_channel(siege.service.address, options=OPTIONS)) for _ in range(10)]

        async def one(stub) -> Ended:
            begun = time.monotonic()
            try:
                await stub.Tokenize(request, timeout=WAIT)
            except grpc.RpcError as error:
                return end_of(error, 0, time.monotonic() - begun)
            return Ended("OK", answers=1, seconds=time.monotonic() - begun)

        return await asyncio.gather(*[one(stubs[number % 10]) for number in range(300)])

    siege.ends += asyncio.run(crowd())
    odd = [end for end in siege.ends if end.code not in ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")]
    if odd:
        raise Broken(f"{len(odd)} ended otherwise, such as {odd[0]}: {odd[0].message[:160]}")
    return f"the slowest took {max(end.seconds for end in siege.ends):.1f} s"
