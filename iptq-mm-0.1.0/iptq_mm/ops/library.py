"""How an integer operator comes into being.

An operator is a ``torch.library`` operator of the namespace ``iptq`` whose
definition is a Python function on integer tensors, the *reference*. A native
kernel is registered for a device on top of it and must give the same bits;
models, functions and ``nn`` call the operator and never know which one ran.
"""
from collections.abc import Callable

import torch

NAMESPACE = 'iptq'

LIBRARY = torch.library.Library(NAMESPACE, 'DEF')

REFERENCES: dict[str, Callable] = {}
"""Reference of each operator, by its qualified name ``iptq::linear``."""


def operator(schema: str) -> Callable[[Callable], Callable]:
    """Decorator that defines an operator by its reference.

    Args:
        schema (str): Name, arguments and results in torch's schema language,
            e.g. ``'add(Tensor x, Tensor y) -> Tensor'``.

    Returns:
        Callable: Takes the reference, returns the callable operator
        ``torch.ops.iptq.NAME.default``; without the name of the overload
        every call would look for one.
    """

    def register(reference: Callable) -> Callable:
        name = schema.split('(')[0]
        LIBRARY.define(schema)
        # CompositeExplicitAutograd: on every device, and below any kernel
        # that is registered for one.
        LIBRARY.impl(name, reference, 'CompositeExplicitAutograd')
        REFERENCES[f'{NAMESPACE}::{name}'] = reference
        return getattr(getattr(torch.ops, NAMESPACE), name).default

    return register
