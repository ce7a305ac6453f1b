"""What the lessons' notebooks call: predict, run, check, and see what came of it.

>>> from regviz import lesson
>>> lesson.term("digest").term
'digest'
"""

from __future__ import annotations

from regviz.lesson.calls import begin, check, predict, reveal
from regviz.lesson.collecting import answers, collect
from regviz.lesson.outcome import export, lessons, results
from regviz.lesson.shipped import lay_out
from regviz.lesson.terms import glossary, term

__all__ = [
    "answers",
    "begin",
    "check",
    "collect",
    "export",
    "glossary",
    "lay_out",
    "lessons",
    "predict",
    "results",
    "reveal",
    "term",
]
