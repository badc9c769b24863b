"""The words of a run's goal and answer, for search: kept by the database, in a table that spares the run's row."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from .run import Run


class RunWords(models.Model):
    """Written by a trigger when the goal or the answer changes: a run's row changes with every step, this twice."""

    run = models.OneToOneField(Run, models.CASCADE, primary_key=True, related_name="words")
    vector = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["vector"], name="words_of_runs")]

    def __str__(self) -> str:
        return str(self.run_id)
