"""Sessions: a canvas, its revisions, the tree they make, and the stores that keep them.

Plain Python. No torch, no grpc, no protos; the only I/O is a store's.
"""
