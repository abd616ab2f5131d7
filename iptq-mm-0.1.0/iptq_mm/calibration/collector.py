"""Watching the sites of a float model with forward hooks."""
from __future__ import annotations

from itertools import count
from typing import Iterable, Mapping

from torch import Tensor, nn

from .observers import Observer
from .sampler import Sampler
from .site import Site


class UnreachedSiteError(RuntimeError):
    """A site was never reached.

    Args:
        message (str): Names the sites.
        modules (list[str]): Their modules.
    """

    def __init__(self, message: str, modules: list[str]):
        super().__init__(message)
        self.modules = modules


class Collector:
    """Context manager: observes the sites of a model while it runs.

    The model is a stock float module and stays as it is; hooks are taken off
    on exit, after an error too. What a site carries is observed and let go at
    once: no activation outlives its forward pass, but for the bounded rows of
    the samplers.

    Args:
        model (nn.Module): Each call of it is one batch.
        sites (Mapping[str, Site]): Every site, by name.
        observers (Mapping[str, Observer]): By site name. Sites that share one
            range share one observer object.
        samplers (Mapping[str, Sampler]): By site name.
        batch_numbers (Iterable[int]): The number of each batch in the whole
            calibration set, in the order of the calls. A process that sees
            every n-th batch gives ``itertools.count(rank, n)``.

    Raises:
        ValueError: If an observer or sampler has no site, a site neither, or
            the model lacks a site's module.
    """

    def __init__(self,
                 model: nn.Module,
                 sites: Mapping[str, Site],
                 observers: Mapping[str, Observer],
                 samplers: Mapping[str, Sampler] | None = None,
                 batch_numbers: Iterable[int] | None = None):
        samplers = samplers or {}
        watched = observers.keys() | samplers.keys()
        if watched != sites.keys():
            raise ValueError(
                'sites and their observers or samplers do not match: '
                + ', '.join(sorted(watched ^ sites.keys())))
        modules = dict(model.named_modules())
        for name, site in sites.items():
            if site.module not in modules:
                raise ValueError(
                    f"site '{name}': the model has no module "
                    f"'{site.module}'")
        self.model, self.sites = model, sites
        self.observers, self.samplers = observers, samplers
        self._modules = modules
        self._batch_numbers = iter(
            count() if batch_numbers is None else batch_numbers)
        self._batch = None
        self._unreached = set(sites)
        self._handles = []

    def __enter__(self) -> 'Collector':
        self._handles.append(
            self.model.register_forward_pre_hook(self._next_batch))
        for name, site in self.sites.items():
            module = self._modules[site.module]
            self._handles.append(
                module.register_forward_pre_hook(self._on_input(name))
                if site.port == 'input' else
                module.register_forward_hook(self._on_output(name)))
        return self

    def __exit__(self, error_type, *_) -> None:
        """Take the hooks off.

        Raises:
            UnreachedSiteError: If a site was never reached (and nothing else
                went wrong).
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if error_type is None and self._unreached:
            raise UnreachedSiteError(
                'calibration never reached: '
                + ', '.join(sorted(self._unreached))
                + ('. The model was not called.' if self._batch is None else
                   '. The forward pass leaves these modules out.'),
                [self.sites[name].module for name in sorted(self._unreached)])

    def _next_batch(self, module: nn.Module, args: tuple) -> None:
        self._batch = next(self._batch_numbers)

    def _on_input(self, name: str):

        def hook(module: nn.Module, args: tuple) -> None:
            if not args:
                raise ValueError(
                    f"site '{name}': '{self.sites[name].module}' was called "
                    'without a positional argument')
            self._see(name, args[0])

        return hook

    def _on_output(self, name: str):

        def hook(module: nn.Module, args: tuple, output) -> None:
            self._see(name, output[0] if isinstance(output, (tuple, list))
                      else output)

        return hook

    def _see(self, name: str, x: Tensor) -> None:
        site, x = self.sites[name], x.detach()
        if site.select is not None:
            x = site.select(x)
        self._unreached.discard(name)
        if name in self.observers:
            self._observe(name, x)
        if name in self.samplers:
            self.samplers[name].observe(x, self._batch)

    def _observe(self, name: str, x: Tensor) -> None:
        try:
            self.observers[name].observe(x)
        except FloatingPointError as error:
            site = self.sites[name]
            raise FloatingPointError(
                f"{error} at site '{name}' ({site.port} of module "
                f"'{site.module}'), batch {self._batch}: the float model "
                'itself computes it. Check its checkpoint for NaN or Inf, and '
                'the mean, std and value range of the input.') from None
