"""A checkpoint on disk becomes a `Denoiser`.

    loading.load      the one way in: a folder or a hub id -> Denoiser
    denoiser          answers: the logits at the positions wanted
    text              its tokenizer: text, conversations and pieces of tokens
    recognise         what a folder is, before a weight is read; `description` tells it
    families          one small file for each family, found by `registry`
    checkpoint        what a folder holds, read from headers, nothing loaded; `files` reads them within bounds
    plausible, fit    is config.json about these weights
    trial, finite     is it right: tried with its cache, every weight a number
    token_ids         which ids mean mask, end of text, end of turn, padding
    loads             loads on threads of their own, which nobody has to wait for
    memory, hub       will it fit; where it comes from

Nothing here runs code that a checkpoint brings, and weights are read from
safetensors only.
"""
