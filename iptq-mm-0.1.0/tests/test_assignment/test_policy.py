import json

import pytest

import iptq_mm.functions  # noqa: F401
from iptq_mm.assignment import AssignmentPolicy, read_assignment
from iptq_mm.registry import APPROXIMATIONS

LAYERS = {
    'blocks.0.norm1': 'layernorm',
    'blocks.0.ffn.layers.0.1': 'gelu',
    'blocks.1.ffn.layers.0.1': 'gelu',
}
FIRST, SECOND = list(LAYERS)[1:]


def competitors(**policy):
    return AssignmentPolicy(**policy).competitors(LAYERS)


def test_all_of_the_kind_compete():
    names = competitors()
    assert list(names) == list(LAYERS)
    assert {'i_gelu', 'poly_gelu'} <= set(names[FIRST])
    for layer, kind in LAYERS.items():
        assert {APPROXIMATIONS.get(n).kind for n in names[layer]} == {kind}


def test_restricted_candidates():
    names = competitors(candidates=dict(gelu=['poly_gelu', 'i_gelu']))
    assert names[FIRST] == names[SECOND] == ['poly_gelu', 'i_gelu']
    assert names['blocks.0.norm1'] == competitors()['blocks.0.norm1']


def test_a_forced_layer_goes_before_its_kind_and_both_before_candidates():
    names = competitors(
        candidates=dict(gelu=['poly_gelu']),
        forced={SECOND: 'poly_gelu', 'gelu': 'i_gelu'})
    assert (names[FIRST], names[SECOND]) == (['i_gelu'], ['poly_gelu'])


@pytest.mark.parametrize('policy, message', [
    (dict(forced={'blocks.7.ffn.layers.0.1': 'i_gelu'}),
     r"'blocks.7.ffn.layers.0.1' is neither .*gelu.*nearest of its 3 layers: "
     r'blocks.\d.ffn.layers.0.1'),
    (dict(forced=dict(gelu='gelu9')), "'gelu9' is no cand.*i_gelu, poly_gelu"),
    (dict(forced={FIRST: 'i_layernorm'}), "'i_layernorm' is no candidate for "
     'gelu; there are.*i_gelu'),
    (dict(candidates=dict(relu=['i_gelu'])), "no kind 'relu'.*gelu, softmax"),
    (dict(candidates=dict(gelu=['i_gelu', 'x'])), "'x' is no candidate"),
    (dict(candidates=dict(gelu=[])), "none are left for 'gelu'"),
])
def test_what_does_not_exist_is_named_beside_what_does(policy, message):
    with pytest.raises(ValueError, match=message):
        competitors(**policy)


class TestFile:

    def test_an_earlier_assignment_is_forced(self, tmp_path):
        path = tmp_path / 'assignment.json'
        path.write_text(json.dumps({FIRST: 'i_gelu', SECOND: 'poly_gelu'}))
        names = competitors(forced=read_assignment(path))
        assert (names[FIRST], names[SECOND]) == (['i_gelu'], ['poly_gelu'])

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='nowhere.json'):
            read_assignment(tmp_path / 'nowhere.json')

    @pytest.mark.parametrize('text', ['{', '[]', '{"a": 1}', '\x00'])
    def test_something_else_is_refused(self, tmp_path, text):
        path = tmp_path / 'assignment.json'
        path.write_text(text)
        with pytest.raises(ValueError, match='assignment.json is no assign'):
            read_assignment(path)
