"""What a text must match, and which tokens keep that possible.

    spec          a constraint as it was asked for; what is wrong with one
    vocabulary    what a tokenizer is to a constraint: the bytes of each token, the tokens that end a text
    compile       from a spec to what the two kinds of model need, with limits: start here
    proving       the compiling itself, in a child process with limits
    effort        how long one question to a constraint may keep its thread
    grammars      a spec in llguidance's words, and its complaints in plain ones
    schemas       a JSON schema: closed, and as a regular expression where it is regular
    alternatives  whether two schemas exclude each other: a oneOf that can be an anyOf
    prefix        text written from left to right: exact, by llguidance
    automaton     a regular expression, or a list of texts, as a table over bytes
    classes       the vocabulary over such a table: tokens that move alike are one class
    positions     a canvas filled in any order: exact, by sets of states from both sides
    witness       a canvas filled in any order under a grammar: sound, by a complete text kept at hand
    completion    the shortest text that completes another under a grammar, byte by byte
"""
