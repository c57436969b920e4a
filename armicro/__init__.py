"""armicro: HER2 at the eyepiece. Research use only; the pathologist decides."""

__version__ = "0.1.0"
