"""The daemon that knows whether a mail service's promised availability is kept."""

from importlib.metadata import version

__version__ = version("mailuptime")
