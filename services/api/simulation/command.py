"""`trial randomization simulate`: what a sponsor's statistician chooses the block sizes by."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from services.api.protocol.load import Loaded, load
from services.api.randomization.rules import BlockSizesError, Design
from services.api.settings import Settings

if TYPE_CHECKING:
    from services.api.simulation.report import Report

MULTIPLES = ((), (1,), (2,), (3,), (2, 3), (2, 3, 4))
"""What is compared by default: block sizes as multiples of the smallest block; none is simple."""
EXTRA = {"numpy", "matplotlib"}


def simulate(
    design: Annotated[
        list[str] | None,
        typer.Option(
            help="Block sizes to try, as in 4,6, or simple for none; may be repeated. By default"
            " simple, and 1, 2, 3, 2 and 3, and 2 to 4 times the smallest block."
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(min=2, max=1_000_000, help="How many, for each choice.")
    ] = 100_000,
    subjects: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, help="How many in a trial; by default the protocol's cap."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    weights: Annotated[
        str,
        typer.Option(
            help="How often subjects fall into each stratum, as in NN-C=3,NN-N=1; one that is not"
            " named weighs 1."
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for simulation.json, .csv, .png and .svg; made if need be."),
    ] = None,
) -> None:
    """Simulate trials, to choose the block sizes of the randomization.

    For each choice of sizes: the share of allocations that recruiters guess by
    counting arms, that which they guess at best if they know the sizes, and
    that of which they are then certain; and how unequal the arms get.

    This is for the sponsor's statistician. A report belongs to those who do not
    recruit. The sizes chosen are stored nowhere but in the sponsor's
    contribution.
    """
    console = Console()
    loaded = load(Settings().protocol_document)
    section = loaded.protocol.randomization
    public = Design.of(section)
    report = _report(
        loaded,
        _block_sizes(public, design),
        trials,
        section.cap if subjects is None else subjects,
        seed,
        _weights(public, weights),
    )
    console.print(report.table())
    console.print()
    for sentence in report.advice():
        console.print(sentence, highlight=False, soft_wrap=True)
    if out is not None:
        report.write(out)
        console.print(f"Wrote {out}/simulation.{{json,csv,png,svg}}.", soft_wrap=True)


def _report(
    loaded: Loaded,
    choices: Sequence[tuple[int, ...]],
    trials: int,
    subjects: int,
    seed: int,
    weights: Mapping[str, float],
) -> "Report":
    errors = Console(stderr=True)
    try:
        # Not above: an installation that only serves has neither numpy nor matplotlib.
        from services.api.simulation.report import Report
        from services.api.simulation.trials import Scenario
        from services.api.simulation.trials import simulate as figures_of
    except ModuleNotFoundError as missing:
        if missing.name not in EXTRA:
            raise
        errors.print(
            f"{missing.name} is missing: install trial-api[reports]", style="red", markup=False
        )
        raise typer.Exit(1) from missing
    section = loaded.protocol.randomization
    scenario = Scenario.of(section, subjects, weights)
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("Simulating", total=trials * len(choices))
        figures = tuple(
            figures_of(scenario, sizes, trials, seed, lambda some: progress.advance(task, some))
            for sizes in choices
        )
    return Report(
        loaded.protocol.version,
        loaded.sha256,
        tuple(section.ratio),
        scenario,
        trials,
        seed,
        figures,
    )


def _block_sizes(design: Design, given: Sequence[str] | None) -> list[tuple[int, ...]]:
    smallest = len(design.unit)
    if not given:
        return [tuple(smallest * multiple for multiple in sizes) for sizes in MULTIPLES]
    return list(dict.fromkeys(_sizes(design, text) for text in given))


def _sizes(design: Design, text: str) -> tuple[int, ...]:
    if text == "simple":
        return ()
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            "give whole numbers with commas between them, or simple", param_hint="--design"
        ) from None
    try:
        design.check_block_sizes(sizes)
    except BlockSizesError as fault:
        raise typer.BadParameter(str(fault), param_hint="--design") from None
    return sizes


def _weights(design: Design, text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        code, _, weight = item.partition("=")
        if code not in design.strata:
            raise typer.BadParameter(
                f"the strata are {', '.join(design.strata)}", param_hint="--weights"
            )
        try:
            weights[code] = float(weight)
        except ValueError:
            weights[code] = -1
        if not 0 < weights[code] < float("inf"):
            raise typer.BadParameter(
                f"the weight of {code} must be a number above 0", param_hint="--weights"
            )
    return weights
