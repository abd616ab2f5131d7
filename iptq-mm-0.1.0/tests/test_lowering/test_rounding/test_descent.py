import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.lowering.rounding.clipping import least_squares_grid
from iptq_mm.lowering.rounding.descent import descend


def setup(seed, bits, inputs=70):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(200, inputs // 3, generator=generator) @ torch.randn(
        inputs // 3, inputs, generator=generator)
    covariance = torch.cov(rows.double().T) + torch.eye(inputs).double()
    weight = torch.randn(5, inputs, generator=generator).double()
    grid = least_squares_grid(weight, torch.full((5, ), 1e-9).double(), bits,
                              covariance.diagonal())
    return weight, grid, covariance


def cost(weight, integers, grid, covariance):
    error = weight - grid.scale[:, None] * integers
    return ((error @ covariance) * error).sum(1)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), bits=st.sampled_from([3, 4, 8]))
def test_it_never_gets_worse_and_stays_on_the_grid(seed, bits):
    weight, grid, covariance = setup(seed, bits)
    before = grid.nearest(weight)
    after = descend(weight, before, grid, covariance)
    codes = after / grid.steps
    assert torch.equal(codes, codes.round())
    assert codes.abs().max() <= 2**(bits - 1) - 1
    costs = [cost(weight, x, grid, covariance) for x in (after, before)]
    assert (costs[0] <= costs[1] * (1 + 1e-12)).all()
    assert costs[0].sum() < .8 * costs[1].sum()


def test_blocks_do_not_change_the_integers(monkeypatch):
    weight, grid, covariance = setup(0, 4)
    before = grid.nearest(weight)
    whole = descend(weight, before, grid, covariance)
    monkeypatch.setattr('iptq_mm.lowering.rounding.descent.BLOCK', 7)
    assert torch.equal(descend(weight, before, grid, covariance), whole)


def test_no_single_step_helps_in_the_end(monkeypatch):
    monkeypatch.setattr('iptq_mm.lowering.rounding.descent.SWEEPS', 50)
    weight, grid, covariance = setup(3, 4)
    found = descend(weight, grid.nearest(weight), grid, covariance)
    least = cost(weight, found, grid, covariance)
    for column in range(0, 70, 9):
        for move in (-1, 1):
            other = found.clone()
            other[:, column] += move * grid.steps[:, column]
            inside = (other / grid.steps).abs().amax(1) <= 7
            worse = cost(weight, other, grid, covariance) >= least - 1e-9
            assert worse[inside].all()
