"""The nouns: frozen msgspec structs that server, client and OpenAPI share.

They parse, format and compare. They do no input or output and hold no rule of conduct: rules are
in `policy`. Sizes are bytes, times are aware datetimes in UTC, paths are relative and use '/'.
"""
