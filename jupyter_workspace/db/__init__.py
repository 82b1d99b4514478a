"""Metadata: SQLAlchemy Core, asynchronous; SQLite by default, PostgreSQL for many servers.

The database is an index. What it knows can be made again from the journals and the disk, so nothing
here is ever the only copy. Repositories take and give models, never rows.
"""
