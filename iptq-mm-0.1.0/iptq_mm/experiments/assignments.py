"""Which functions the rows of a table have."""
from collections.abc import Mapping, Sequence

from ..assignment import NORMALIZATIONS, Measures
from ..engine.quantization.ptq_hook import PTQHook
from ..evaluation.families import FAMILIES, PAPER_CANDIDATES, homogeneous
from .search import assigned, score
from .subject import Subject

Assignment = Mapping[str, str]
"""Candidate by layer."""


def contestants(subject: Subject, hook: PTQHook) -> dict[str, Assignment]:
    """Assignments under comparison: ``default``, every family, every reading
    of the metric over all candidates (``NAME``) and over those of IPTQ-ViT
    (``NAME_paper``)."""
    kinds = subject.lowering.nonlinear_layers()
    measures = subject.measures(hook.fit)
    everything = {layer: sorted(some) for layer, some in measures.items()}
    paper = {layer: PAPER_CANDIDATES[kind] for layer, kind in kinds.items()}
    readings = sorted(NORMALIZATIONS.module_dict)
    by_all = {
        name: assigned(score(measures, name, everything))
        for name in readings
    }
    by_paper = {
        f'{name}_paper': assigned(score(measures, name, paper))
        for name in readings
    }
    return dict(
        default=by_all[hook.normalization],
        metric_paper=by_paper[f'{hook.normalization}_paper'],
        **{name: homogeneous(name, kinds)
           for name in FAMILIES}, **by_all, **by_paper)


EVALUATED = ('default', 'metric_paper', *FAMILIES)
"""Contestants whose mAP is taken."""


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
