"""Task × window to notebook, page body and report. The only door to papermill and nbconvert."""

from oaflib import lean as lean  # before anything here loads nbformat
