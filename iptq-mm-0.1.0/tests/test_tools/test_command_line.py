import pytest

from iptq_mm.engine.errors import UserError

from command_line import command, image_size, parser, positive


@pytest.mark.parametrize('result, code', [(None, 0), (True, 0), (False, 1)])
def test_exit_code(result, code):
    assert command(lambda: result)() == code


def test_a_users_error_is_one_line(capsys):

    @command
    def main():
        raise UserError('the file is missing')

    assert main() == 1
    assert capsys.readouterr().err == 'error: the file is missing\n'


def test_a_bug_keeps_its_traceback():

    @command
    def main():
        raise ValueError

    with pytest.raises(ValueError):
        main()


def test_quiet_says_nothing_but_errors(capsys):
    options = parser('A tool.')
    options.add_argument('--size', type=positive)

    @command
    def main(args):
        args = options.parse_args(args)
        assert not hasattr(args, 'quiet')
        print('a table')
        if args.size is None:
            raise UserError('no size')

    assert main(['--quiet', '--size', '3']) == 0
    assert capsys.readouterr() == ('', '')
    assert main(['--quiet']) == 1
    assert capsys.readouterr() == ('', 'error: no size\n')
    with pytest.raises(SystemExit):
        main(['--quiet', '--size', 'x'])
    assert "invalid positive value: 'x'" in capsys.readouterr().err
    assert main(['--size', '3']) == 0
    assert capsys.readouterr().out == 'a table\n'


def test_sizes():
    assert image_size('224') == (224, 224)
    assert image_size('800X1216') == (800, 1216)
    assert positive('1') == 1


@pytest.mark.parametrize('text', ['0', '-1x3', 'x', '1x2x3', ''])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError):
        image_size(text)
