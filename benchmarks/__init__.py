"""What the product costs, measured against a stock peer and against the limit of decoding.

`python -m benchmarks.pipeline` (= `make bench`); BENCHMARKS.md says how to read the figures.
"""
