import io
import logging
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from iptq_mm.engine.quantization.progress import (
    OBSERVING,
    OBSERVING_CHANNELS,
    OBSERVING_PARTS,
    SCORING,
)
from iptq_mm.engine.report.run_progress import (
    EVALUATING_FLOAT,
    EVALUATING_INTEGER,
    EvaluationProgress,
    RunProgress,
    expected,
    run_progress,
)


def test_stages_that_a_run_does_not_have_cost_nothing():
    costs = expected(32, 100, True, True, True)
    assert list(costs)[0] == OBSERVING_CHANNELS and len(costs) == 8
    assert all(cost > 0 for cost in costs.values())
    costs = expected(32, 100, False, False, False)
    assert not {OBSERVING_CHANNELS, OBSERVING_PARTS} & set(costs)
    assert list(costs)[-2:] == [EVALUATING_FLOAT, EVALUATING_INTEGER]


@pytest.fixture
def told():
    text = io.StringIO()
    bars = Progress(console=Console(file=text, width=100))
    return RunProgress({'first': 30., 'second': 10., 'third': 60.}, bars), text


def test_what_is_behind(told):
    progress, _ = told
    progress('first', 1, 2)
    assert progress.done() == 15
    progress('second', 0, 4)  # the first has left something out
    assert progress.done() == 30
    progress('third', 3, 4)
    assert progress.done() == 30 + 10 + 45


def test_the_rest_takes_as_long_as_it_did(told, monkeypatch):
    progress, _ = told
    assert progress.seconds_left() is None
    progress('first', 1, 1)
    monkeypatch.setattr('time.perf_counter', lambda: progress.began + 6)
    assert progress.seconds_left() == pytest.approx(14)


def test_without_a_terminal_there_is_a_line_a_stage(told):
    progress, text = told
    for done in range(3):
        progress('first', done, 2)
    progress('second', 0, 1)
    lines = text.getvalue().splitlines()
    assert [line[:21] for line in lines] == [
        'stage 1 of 3: first', 'stage 2 of 3: second,']
    assert lines[1].endswith(' s left of all')


def test_a_stage_that_nobody_expected_counts_nothing(told):
    progress, _ = told
    progress('weighing', 1, 2)
    assert progress.done() == 0


def test_a_test_loop_tells_of_itself(told):
    progress, _ = told
    hook = EvaluationProgress(progress)
    hook.what = 'third'
    hook.after_test_iter(SimpleNamespace(test_dataloader=[0] * 4), 0)
    assert progress.shares == {'third': .25}


def test_the_logger_gets_its_stream_back():
    logger = logging.Logger('some')
    handler = logging.StreamHandler(io.StringIO())
    before = handler.stream
    logger.addHandler(handler)
    with pytest.raises(ZeroDivisionError), run_progress(
            {OBSERVING: 1., SCORING: 1.}, logger) as progress:
        progress(OBSERVING, 1, 1)
        assert handler.stream is sys.stdout
        raise ZeroDivisionError
    assert handler.stream is before
