"""Softmax of class scores, candidate by candidate."""
import pytest

from iptq_mm.assignment.policy import registered
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.options import PTQOptions
from iptq_mm.experiments.pages.scores import markdown
from iptq_mm.experiments.scores import score_functions

from conftest import FEW, ROOT, SHAPES

QUICK = {
    **FEW, 'custom_hooks.0.rounding': 'nearest',
    'custom_hooks.0.equalize': False,
    'custom_hooks.0.candidates': dict(
        gelu=['poly_gelu'], layernorm=['i_layernorm'])
}


def measured(config, folder, options):
    said = []
    found = score_functions(
        PTQOptions(str(config), work_dir=str(folder), cfg_options=options,
                   device='cpu'), said.append)
    return found, said


def test_every_candidate_has_its_figures(tmp_path):
    found, said = measured(SHAPES, tmp_path, QUICK)
    assert list(found['candidates']) == registered('softmax')
    assert found['chosen'] in found['candidates']
    assert len(said) == 1 + len(found['candidates'])
    for figures in found['candidates'].values():
        assert figures['bbox_mAP'] > found['float']['bbox_mAP'] - 0.1
    # FQ-ViT's keep powers of two only: too coarse for scores.
    quality = {name: figures['Q']
               for name, figures in found['candidates'].items()}
    assert min(quality, key=quality.get) == 'log_int_softmax'
    text = '\n'.join(markdown(dict(shapes=found)))
    assert '### Softmax of the scores, shapes' in text
    assert f'{found["chosen"]} (chosen)' in text
    assert text.count('\n| ') >= len(found['candidates'])


def test_a_classifier_has_no_scores_to_study(tmp_path):
    config = ROOT / 'configs' / 'iptq_vit_nano_shapes.py'
    with pytest.raises(UserError, match='no detector that becomes integer'):
        measured(config, tmp_path, {
            'test_dataloader.dataset.num_images': 5,
            'custom_hooks.0.calib_dataloader.dataset.num_images': 4,
            'custom_hooks.0.num_batches': 2})
