"""Paths of plans: what stands in the place of a key is one, unless it is the name of an operation.

A plan that is called like one is found among its versions.
"""

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor


class _PlanConvertor(StringConvertor):
    regex = "(?!backtest$)[^/]+"


register_url_convertor("plan", _PlanConvertor())
BY_KEY: Final = "/plans/{key:plan}"
