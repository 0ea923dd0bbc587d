"""Protos in, protos out, status codes. Nothing else in the service knows protos or grpc."""
