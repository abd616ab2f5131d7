"""The command ``iptq``: runs a tool of the project by its name.

``iptq ptq CONFIG`` is ``python tools/ptq.py CONFIG``. A tool is found without
importing ``iptq_mm``, which takes seconds.
"""
from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

TOOLS = dict(
    ptq='quantize a detector or a classifier',
    report='write the page of a run, or of several side by side',
    diagnose='say why a run is worse than hoped',
    predict='detect in images with an integer detector',
    export='write an integer model as an ONNX file',
    benchmark='compare runtimes',
    analyze='show where the functions of one model lose',
    harden='make a checkpoint hard to quantize, the function unchanged',
    reproduce="make the papers' tables")
"""What there is to run, and what for."""


def folder() -> Path:
    """Where the tools lie: beside the configs, in the installed package.

    Raises:
        SystemExit: If the package is not installed.
    """
    spec = find_spec('iptq_mm')
    if spec is None or spec.origin is None:
        sys.exit('error: iptq_mm is not installed.')
    return Path(spec.origin).parent / '.mim' / 'tools'


COMPLETION = '''\
_iptq() {
  local word=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "TOOLS" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$(iptq "${COMP_WORDS[1]}" --help 2> /dev/null |
      grep -o -e '--[a-z][a-z-]*' | sort -u)" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _iptq iptq'''
"""For bash; zsh takes it after ``autoload bashcompinit; bashcompinit``."""


def main() -> None:
    """Run ``sys.argv[1]`` with the arguments after it."""
    name = sys.argv[1] if len(sys.argv) > 1 else '--help'
    if name in TOOLS:
        sys.path.insert(0, str(folder()))
        sys.argv[:2] = [f'iptq {name}']
        sys.exit(import_module(name).main())
    if name == 'completion':
        print(COMPLETION.replace('TOOLS', ' '.join([*TOOLS, name])))
        return
    lines = [f'  {tool:<10} {what}' for tool, what in TOOLS.items()]
    usage = '\n'.join([
        'usage: iptq TOOL ...', '', *lines, '',
        'iptq TOOL --help says what each takes. Configs: '
        'iptq_mm::NAME.py, or a file.',
        'eval "$(iptq completion)" makes bash complete all that.'
    ])
    if name in ('-h', '--help'):
        print(usage)
    else:
        sys.exit(f'error: there is no tool {name}.\n{usage}')


if __name__ == '__main__':
    main()
