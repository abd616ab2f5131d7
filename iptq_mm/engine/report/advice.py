"""What a run's report should make its reader do."""
from collections.abc import Mapping
from typing import Any, NamedTuple


class Advice(NamedTuple):
    """Something seen in a report, and what to do."""
    seen: str
    remedy: str


WORSE = {'mAP': .005, 'top1': .5}
"""Losses that are worth a look, by the end of the metric's name."""

LOW_SQNR = 20.
"""dB of an output below which integers show in the results."""


def advice(report: Mapping[str, Any]) -> list[Advice]:
    """In the order in which it is worth trying.

    Args:
        report (Mapping): What ``ptq_report.json`` holds.
    """
    found = []
    bits = report['bits']
    for name, before in report['float'].items():
        after = report['integer'].get(name)
        limit = next((loss for end, loss in WORSE.items()
                      if name.endswith(end)), None)
        if limit is not None and after is not None and before - after > limit:
            found.append(Advice(
                f'{name} fell from {before:g} to {after:g}.',
                'tools/diagnose.py names causes, and with --try measures '
                'what repairs it.'))
    if report['checkpoint'] is None:
        found.append(Advice(
            'The weights are random.',
            'Metrics say nothing; give a checkpoint.'))
    low = {site: db for site, db in report['sqnr_db'].items()
           if site.startswith('out') and db < LOW_SQNR}
    for site, db in low.items():
        found.append(Advice(
            f'Output {site} of the backbone is only {db:.1f} dB above its '
            f'error.', _wider(bits)))
    detects = any(name.endswith('mAP') for name in report['float'])
    if detects and report['integer_parts'] == ['backbone']:
        found.append(Advice(
            'Only the backbone is integer.',
            "scope='all' makes the whole detector so, where its parts have "
            'an integer form.'))
    if report['integer_only'] is None:
        found.append(Advice(
            'Nobody has watched for floating-point tensors in this run.',
            'Run again with --verify-integer.'))
    return found


def _wider(bits: Mapping[str, int]) -> str:
    for name, width in bits.items():
        if name != 'residual' and width < 8:
            return f'Give {name}s 8 bits (custom_hooks.0.bits.{name}=8).'
    return ("Try custom_hooks.0.observer.type=min_max, which clips nothing, "
            'or more calibration images.')
