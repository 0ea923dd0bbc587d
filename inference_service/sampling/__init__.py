"""From logits to decisions: pure tensor functions. Knows nothing of sessions, models or the network.

    sampler         what a sampler is, and what it reads: a SamplingContext
    parameters      the parameters that samplers share
    region          the part of a canvas being decided; blocks; who comes first
    distribution    the one pipeline from raw logits to what is drawn from
    noise           the one kind of randomness
    drawing         a token for every position, by that pipeline and that noise
    schedules       how many positions a step decides
    blockwise       what samplers share that go block by block; the even schedule
    threshold       every position that is sure enough
    ending          filling up after the end of the text
    constraints/    what a text must match, and which tokens keep that possible
    samplers/       one file for each sampler; `registry` finds them
"""
