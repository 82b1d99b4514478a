"""The HTTP side, over Tornado: translates, decides nothing.

`routes` is the table; a row leads to one verb of one handler class, which parses, calls one service
and writes the answer. What all rows share, above all who may ask, is in `base`.
"""
