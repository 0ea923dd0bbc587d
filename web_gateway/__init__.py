"""The gateway: carries a browser's WebSocket frames to the inference service, and serves the page.

    app          the Flask application: page, health, security headers
    origins      which Host and Origin headers are let in
    socket       one browser's WebSocket, from handshake to close
    wire         the socket under it: whole sends, one at a time, never for ever
    envelopes    frames to envelopes and back, binary or JSON
    calls        one socket's open calls
    upstream     the gRPC channel
    methods      what may be called, from the descriptors
    statuses     errors as google.rpc details
    config, gunicorn_conf, __main__    how it is started

It never imports the inference service and never reads the messages it carries.
"""
