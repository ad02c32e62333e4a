"""Errors that a user can cause or must know about.

Every one carries a sentence written for the person who reads it: what is
wrong and what to do. The pages show it, the command line prints it in one line
and exits with code 1.

    FerError
    ├── DatasetError    a data set that cannot be read or does not fit
    ├── ModelError      a run folder that is missing, altered or incompatible
    ├── MediaError      a photo or video that cannot be decoded or written
    ├── DetectorError   a face detector that cannot be loaded
    ├── OperatorError   an operator's file that cannot be read or makes no sense
    └── EngineError     a distributed engine that is not installed or does not answer
"""


class FerError(Exception):
    """Base class of every error whose message is meant for the user."""


class DatasetError(FerError):
    """A data set is unreadable, incomplete or not what it claims to be."""


class ModelError(FerError):
    """A run is missing, damaged, altered, or disagrees with this code."""


class MediaError(FerError):
    """A photo or video cannot be decoded, is too large, or cannot be written."""


class DetectorError(FerError):
    """A face detector cannot be loaded."""


class OperatorError(FerError):
    """The operator's file cannot be read, or says what the app does not know."""


class EngineError(FerError):
    """A distributed engine is not installed, or does not answer."""
