"""What ``Plan.apply`` does: into a live link, or into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import UsageError
from chainer_ft.formats.provenance import FileHash, file_facts, file_hash, followed, of_plan
from chainer_ft.host import Host
from chainer_ft.planning import check, checked_floor
from chainer_ft.transfer.ends import End, file_of, opened, reopened
from chainer_ft.transfer.merged import Merged
from chainer_ft.transfer.saving import save, writer
from chainer_ft.transfer.staging import stage
from chainer_ft.types import Outcome, Plan, Source

if TYPE_CHECKING:
    import chainer


@dataclass(frozen=True)
class Terms:
    """Under which conditions a plan is applied, and where the result goes.

    Args:
        host: The plugins, which may veto.
        min_coverage: The least share to fill.
        strict: Whether nothing may be left over.
        out: File for the result.
        compress: Whether that file is compressed.
    """

    host: Host
    min_coverage: float = 0.0
    strict: bool = False
    out: str | None = None
    compress: bool = False

    def __post_init__(self) -> None:
        checked_floor(self.min_coverage)

    def check_out(self, base: Source | None = None) -> None:
        """Raise where the result could not be written: better known before the work.

        Args:
            base: The existing file whose entries are the target.
        """
        if self.out is not None:
            writer(self.out, self.host, base=base)

    def check(self, plan: Plan) -> None:
        """Raise :class:`RefusedError` where the plan may not be applied."""
        check(plan, self.min_coverage, self.strict)
        self.host.veto(plan)

    def save(
        self,
        result: Source,
        plan: Plan,
        origin: str,
        digest: FileHash | None,
        form: str | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the result; the source's hash is waited for at the very end.

        Args:
            before: What the target says of the origin of what it had.
        """

        def inside() -> dict[str, Any]:
            made = of_plan(plan, origin, digest.hexdigest() if digest else None)
            return followed(before, made)

        assert self.out is not None
        options = {"compress": self.compress, "format": form, "host": self.host}
        save(self.out, result, provenance=inside, **options)  # type: ignore[arg-type]

    def report(self, plan: Plan, written: str | None, lazy: Sequence[str] = ()) -> Outcome:
        """The outcome, which the plugins hear of too."""
        outcome = Outcome(plan.pairs, plan.coverage, written, tuple(lazy))
        self.host.copied(plan, outcome)
        return outcome


@dataclass(frozen=True)
class LinkApplier:
    """Into a live link, and on to a file where one is named.

    Args:
        origin: The source.
        link: The target.
        terms: The conditions.
        spec: How the command line names the link, which is lost unless it goes to a file.
    """

    origin: End
    link: chainer.Link
    terms: Terms
    spec: str = ""

    def check(self, plan: Plan) -> None:
        self.terms.check(plan)

    def __call__(self, plan: Plan) -> Outcome:
        from chainer_ft.links import LinkSource, remember, written

        if self.spec and not self.terms.out:
            raise UsageError(f"{self.spec}: is a model; name a file for the result: -o out.npz")
        self.check(plan)
        with reopened(self.origin, plan, self.terms.host) as source:
            file = file_of(self.origin, source)
            digest = file_hash(file) if file and self.terms.out else None
            with written(self.link, stage(plan, source)) as lazy:
                if self.terms.out:
                    self.terms.save(LinkSource(self.link), plan, source.name, digest)
        origin = of_plan(plan, source.name, None)
        remember(self.link, {**origin, "file": file_facts(file) if file else None})
        return self.terms.report(plan, self.terms.out, lazy)


@dataclass(frozen=True)
class FileApplier:
    """Into a file: a new one, or an existing one whose entries are the target."""

    origin: End
    target: End | None
    terms: Terms
    format: str | None = None

    def check(self, plan: Plan) -> None:
        self.terms.check(plan)

    def __call__(self, plan: Plan) -> Outcome:
        self.check(plan)
        with reopened(self.origin, plan, self.terms.host) as source:
            file = file_of(self.origin, source)
            digest = file_hash(file) if file else None
            if self.target is None:
                return self._write(plan, source, None, digest)
            with opened(self.target, self.terms.host) as target:
                return self._write(plan, source, target, digest)

    def _write(
        self, plan: Plan, source: Source, target: Source | None, digest: FileHash | None
    ) -> Outcome:
        if self.terms.out is None:
            raise UsageError(
                f"{plan.target.origin}: only a part of this file would be replaced; name a file "
                "for the result: -o out.npz (out= in Python)"
            )
        merged = Merged(plan, source, target)
        before = None if target is None else target.provenance
        self.terms.save(merged, plan, source.name, digest, self.format, before)
        return self.terms.report(plan, self.terms.out)
