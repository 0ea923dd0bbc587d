"""A checkpoint on disk becomes a `Denoiser`.

    loading.load      the one way in: a folder or a hub id -> Denoiser
    denoiser          answers: the logits at the positions wanted
    text              its tokenizer: text, conversations and pieces of tokens
    families          the list of families; each is one small file such as `llada`
    checkpoint        what a folder holds, read from headers, nothing loaded
    token_ids         which ids mean mask, end of text, end of turn, padding
    memory, hub       will it fit; where it comes from

Nothing here runs code that a checkpoint brings, and weights are read from
safetensors only.
"""
