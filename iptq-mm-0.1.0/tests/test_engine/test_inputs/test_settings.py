"""What users misspell and mistake, refused before any work."""
import pytest

from iptq_mm.engine import PTQHook
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.config import load_config
from iptq_mm.engine.inputs.options import PTQOptions, resolve
from iptq_mm.engine.inputs.settings import CHECKS, WIDTHS, checked
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from conftest import SHAPES

MISTAKES = {
    'scop=all': r'no setting scop\. Did you mean scope\?',
    'metric.normalization=minmax': r'no setting metric\. There are: ',
    'bits.wieght=4': r'no setting bits\.wieght\. Did you mean bits\.weight\?',
    'bits.activation=9': r'bits\.activation is an integer from 2 to 8, not 9',
    'bits.activation=1': r'bits\.activation is an integer from 2 to 8, not 1',
    'bits.weight=0': r'bits\.weight is an integer from 2 to 8, not 0',
    'bits.weight=16': r'bits\.weight is an integer from 2 to 8, not 16',
    'bits.attention=True': r'bits\.attention is an integer',
    'bits.residual=17': r'bits\.residual is an integer from 8 to 16, not 17',
    'bits=8': r'bits is a dictionary .*not 8',
    'num_batches=x': r"num_batches is an integer from 1, not 'x'",
    'num_batches=0': r'num_batches is an integer from 1, not 0',
    'seed=-1': r'seed is an integer from 0, not -1',
    'budget_mb=0': r'budget_mb is a positive number, not 0',
    'budget_mb=small': r"budget_mb is a positive number, not 'small'",
    'equalize=3': r'equalize is True or False, not 3',
    'scope=everything': r"no scope 'everything'; there are: backbone, all",
    'input=float': r"no input 'float'",
    'rounding=up': r"no rounding 'up'; there are: ",
    'fit=none': r"no fit 'none'",
    'normalization=best': r"no normalization 'best'",
    'observer.percent=200': r'observer\.type is missing; there are: ',
    'observer.type=foo': r"no observer\.type 'foo'; there are: min_max, mse",
    "assignment={'gelu':": r'assignment is a dictionary',
    "assignment={'gelu': 'i_gelu', 'softmax': 'shiftmax'}":  # mmengine cuts it
    r'assignment is a dictionary .*custom_hooks\.0\.assignment\.KEY=VALUE',
    'assignment=3': r'assignment is a dictionary .*not 3',
    'candidates=gelu': r"candidates is a dictionary .*not 'gelu'",
}


def parsed(option):
    """As ``--cfg-options`` has it."""
    from mmengine.config import DictAction
    key, _, value = option.partition('=')
    return {f'custom_hooks.0.{key}': DictAction._parse_iterable(value)}


@pytest.mark.parametrize('option, message', MISTAKES.items())
def test_a_mistake_is_named_before_any_work(option, message, tmp_path):
    options = PTQOptions(
        str(SHAPES), work_dir=str(tmp_path), cfg_options=parsed(option))
    with pytest.raises(UserError, match=message):
        resolve(options)


def test_a_budget_leaves_no_width_to_choose():
    with pytest.raises(UserError, match=r'leave out bits\.weight=4'):
        checked(dict(budget_mb=3, bits=dict(weight=4)))
    assert checked(dict(budget_mb=3, bits=dict(activation=6)))



@pytest.mark.parametrize('observer, message', [
    (dict(type='percentile', percent=200),
     r'observer: percent must lie in \(0, 100\], got 200'),
    (dict(type='mse', percent=99), r'no setting mse observer\.percent'),
    (dict(type='percentile', percnt=99),
     r'Did you mean percentile observer\.percent\?')])
def test_an_observers_own_settings(observer, message):
    with pytest.raises(UserError, match=message):
        PTQHook(dict(), observer=observer)


def test_the_hook_itself_checks():
    with pytest.raises(UserError, match='Did you mean bits.weight'):
        PTQHook(dict(), bits=dict(wieght=4))


def test_every_argument_of_the_hook_is_checked():
    from iptq_mm.engine.quantization.ptq_hook import SETTINGS
    assert set(CHECKS) == set(SETTINGS)
    assert WIDTHS.keys() == DEFAULT_BITS.keys()


def test_a_dictionary_may_come_as_its_text():
    """``--cfg-options "custom_hooks.0.assignment={'gelu': 'i_gelu'}"``."""
    given = parsed("assignment={'gelu': 'i_gelu'}")
    assert checked({
        'assignment': given['custom_hooks.0.assignment']
    })['assignment'] == {'gelu': 'i_gelu'}
    assert checked(dict(assignment='work_dirs/assignment.json')) == dict(
        assignment='work_dirs/assignment.json')


def test_what_is_not_given_has_its_default():
    hook = PTQHook(dict(), bits=dict(weight=4))
    assert hook.bits == {**DEFAULT_BITS, 'weight': 4}
    assert hook.observer == dict(type='mse')
    assert hook.candidates == {} and hook.assignment == {}


@pytest.mark.parametrize('option, near', [
    ('test_dataloadr.num_workers', 'test_dataloader'),
    ('custom_hook.0.scope', 'custom_hooks'), ('modle.rpn_head', 'model')])
def test_a_misspelled_part_of_the_config_is_named(option, near):
    with pytest.raises(UserError, match=f'Did you mean {near}'):
        load_config(SHAPES, {option: 1})


def test_a_part_that_is_new_to_the_config_is_added():
    assert load_config(SHAPES, {'env_cfg.cudnn_benchmark': True}
                       ).env_cfg.cudnn_benchmark
    assert load_config(SHAPES, {'my_own_note': 3}).my_own_note == 3


def test_configs_of_installed_packages_go_by_their_names():
    config = load_config('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py')
    assert config.model.type == 'RTMDet'
    with pytest.raises(UserError, match='no config that mmengine can parse'):
        load_config('mmdet::no_such_config.py')
