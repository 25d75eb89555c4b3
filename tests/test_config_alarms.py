"""``[alarms]``: when an alarm counts as gone."""

import pytest
from project import MadeProject, made_project

from oaflib.config.project import check_config, load_project


@pytest.fixture
def project(tmp_path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks()
    return made


def test_the_clearing_time_is_configurable(project: MadeProject) -> None:
    assert load_project(project.root).site.alarms.clear_reports == 1
    project.site("\n[alarms]\nclear_reports = 3\n")
    assert load_project(project.root).site.alarms.clear_reports == 3


@pytest.mark.parametrize("words", ["clear_reports = 0", "clear_reports = 11", "clear = 2"])
def test_another_is_refused(project: MadeProject, words: str) -> None:
    project.site(f"\n[alarms]\n{words}\n")
    (problem,) = check_config(project.root)
    assert "clear_reports" in problem.message or "clear" in problem.place
