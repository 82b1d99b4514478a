"""Use cases: the only place where the parts meet.

A service takes an explicit actor and plain values, asks `policy`, works through the stores and the
database, and gives models back. All bytes come in through `ingest` and leave through `delivery`; all
that changes files goes through `publisher`; all news are read from `events`.
"""
