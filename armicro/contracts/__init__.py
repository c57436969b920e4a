"""Frozen types, Protocols and the exception tree that every other package speaks.

Nothing here computes. It imports numpy and the standard library alone, so that any package, thread or
process can depend on it. Arrays that stand in these types are never written to after construction.
"""
