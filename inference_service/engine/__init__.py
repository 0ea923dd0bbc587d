"""Which sessions run next, on which batch. One thread owns the device.

One step of one session, from the call to the frame:

1.  `rpc/session/step.py` finds the session (`Sessions.get`) and its model, and takes the session's `Lease`: from here
    on nobody else adds frames to it. An earlier call with the same `request_id` is answered with its frames instead.
2.  `plan_for` (plan.py) makes a `Plan` of the newest revision: the sampler, and the `SamplingContext` that it reads,
    with its parameters, the canvas as a `Region`, and the `Noise` of this session's seed and this revision. A
    constraint is compiled (compiled_constraints.py), in a child process.
3.  `step_job` (jobs.py) is a generator: straight code that yields each forward pass it needs. `Engine.submit`
    (engine.py) gives it a `Ticket` and puts it into a `Lane`, interactive or bulk; the call waits for frames.
4.  On the engine's thread `propose_job` asks the plan what it wants (`Plan.wanted`: positions of the block at work, and
    all open ones where a draft is asked for). A prediction that is still kept (predictions.py) costs nothing; otherwise
    the job yields a `Forward`.
5.  `Lane.next_batch` takes the passes that go together, of one model and within the token budget. `forward` runs them:
    `Denoiser.logits` makes ids and the mask that the model's attention asks for, runs the body once, and the head on
    the wanted rows alone.
6.  The job goes on with its logits. `Plan.propose` lets the sampler decide; `sampling/drawing.py` draws a token for
    each position from the distribution that the parameters make, and the sampler's own file says which of them are
    committed. With a constraint every token is checked, and another one taken where the text could not be completed.
7.  `step_frame` makes the `Frame`: what changed, how sure the model was, the draft, whether there is more to do.
    `Lease.commit` keeps it in the store, and only then shows it: to this call, and to everybody who watches.
8.  `count` more steps, or until the sampler is finished; then the lease ends with the job. A call that was cancelled
    ends it at the next yield: what was committed stays, nothing is half done.

decoding.py runs the same plans and passes without sessions, for benchmarks and tests.
"""
