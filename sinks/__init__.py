"""ClickHouse: what is written there, what is read back, and the embedded server that stands in
for a real one.

`sinks.client.connect(dsn)` is the one way to a server; no other code knows whether the DSN names
a ClickHouse cluster or `sinks.embedded`'s process on loopback.
"""
