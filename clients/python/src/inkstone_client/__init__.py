"""A small client for Inkstone."""

from .client import Inkstone
from .imports import ImportFailed
from .problem import Problem
from .session import Tokens

__all__ = ["ImportFailed", "Inkstone", "Problem", "Tokens"]
__version__ = "0.1.0"
