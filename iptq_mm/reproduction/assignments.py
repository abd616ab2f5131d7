"""Which functions the rows of a table have."""
from collections.abc import Mapping, Sequence

from ..assignment import Measures
from ..engine.ptq_hook import PTQHook
from ..engine.study import Subject, assigned, score
from ..engine.study_setting import EVALUATED, contestants
from ..evaluation.families import PAPER_CANDIDATES

Assignment = Mapping[str, str]
"""Candidate by layer."""


def families(subject: Subject, hook: PTQHook) -> dict[str, Assignment]:
    """The Unified Metric over all candidates (``default``) and over those of
    IPTQ-ViT (``metric_paper``), and every family of functions."""
    everyone = contestants(subject, hook)
    return {name: everyone[name] for name in EVALUATED}


def default(subject: Subject, hook: PTQHook) -> Assignment:
    """What the Unified Metric chooses, as the hook comes."""
    return contestants(subject, hook)['default']


def ablations(subject: Subject, hook: PTQHook) -> dict[str, Assignment]:
    """The Unified Metric less something, over all candidates and over those
    of IPTQ-ViT: names are ``all/WHAT`` and ``paper/WHAT``."""
    measures = subject.measures(hook.fit)
    kinds = subject.lowering.nonlinear_layers()
    pools = dict(
        all={layer: sorted(some) for layer, some in measures.items()},
        paper={layer: PAPER_CANDIDATES[kind] for layer, kind in kinds.items()})
    result = {}
    for pool, names in pools.items():
        def metric(measures=measures, names=names):
            return assigned(score(measures, hook.normalization, names))

        result[f'{pool}/full'] = metric()
        for candidate in ('poly_gelu', 'bit_softmax'):
            result[f'{pool}/{candidate}'] = metric(
                names=without(names, candidate))
        for quantity in Measures._fields:
            result[f'{pool}/{quantity}'] = metric(
                measures=blind(measures, quantity))
    return result


def without(names: Mapping[str, Sequence[str]],
            candidate: str) -> dict[str, list[str]]:
    """The candidates of every layer but one."""
    return {
        layer: [name for name in some if name != candidate]
        for layer, some in names.items()
    }


def blind(measures: Mapping[str, Mapping[str, Measures]],
          quantity: str) -> dict[str, dict[str, Measures]]:
    """Measures of which one does not tell the candidates apart: its term of
    Omega is the same for all, as good as not there.

    Args:
        measures (Mapping): By layer and candidate.
        quantity (str): ``Q``, ``P`` or ``C``.
    """
    return {
        layer: {
            name: one._replace(**{quantity: 1.})
            for name, one in some.items()
        }
        for layer, some in measures.items()
    }
