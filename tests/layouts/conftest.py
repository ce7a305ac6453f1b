"""What these tests share explains itself when it fails."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.helpers", "tests.layouts.cases")
