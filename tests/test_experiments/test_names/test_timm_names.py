"""Every name of timm's known families, tried."""
import pytest
from timm.models import list_models

from iptq_mm.experiments.names.timm_names import (
    FAMILIES,
    Trial,
    attempt,
    names,
    supported,
    understood,
)


@pytest.mark.parametrize('module, name', names())
def test_a_name_lowers_or_is_refused(module, name):
    trial = attempt(module, name)
    assert understood(trial), trial
    if trial.refusal:
        assert 'has no integer form' in trial.refusal


def test_all_names_are_tried():
    assert [name for _, name in names()] == [
        name for module in FAMILIES for name in list_models(module=module)]


def test_noise_is_not_understood():
    assert not understood(Trial('vit', 'deit', sqnr_db=3.))
    assert understood(Trial('vit', 'deit', refusal='ViT, which has none'))


def test_the_page(monkeypatch, tmp_path, capsys):
    few = [('deit', 'deit_tiny_patch16_224'),
           ('vision_transformer', 'vit_base_patch16_clip_224'),
           ('swin_transformer', 'swin_tiny_patch4_window7_224')]
    monkeypatch.setattr('iptq_mm.experiments.names.timm_names.names',
                        lambda: few)
    page = tmp_path / 'supported.md'
    assert supported(page)
    assert '3 names: 2 lowered, 1 refused' in capsys.readouterr().out
    text = page.read_text()
    assert '## deit: 1 of 1' in text
    assert '## vision_transformer: 0 of 1' in text
    assert '| `vit_base_patch16_clip_224` | VisionTransformer with' in text
