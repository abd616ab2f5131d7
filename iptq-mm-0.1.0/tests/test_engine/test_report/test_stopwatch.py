import time

import torch
from torch import nn

from iptq_mm.engine.report.stopwatch import Stopwatch


class Sleeper(nn.Module):

    def forward(self, inputs):
        time.sleep(0.02 * len(inputs))


def test_time_is_per_image_and_median_over_calls():
    module = Sleeper()
    with Stopwatch(module) as watch:
        module(torch.zeros(1, 3))
        module(inputs=torch.zeros(4, 3))
        module(torch.zeros(1, 3))
    module(torch.zeros(100, 0)[:0])  # not watched any more
    assert 20 <= watch.milliseconds < 60


def test_no_call_no_time():
    with Stopwatch(Sleeper()) as watch:
        pass
    assert watch.milliseconds != watch.milliseconds
