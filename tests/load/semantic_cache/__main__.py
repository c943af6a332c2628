"""Measures a semantic cache before it is built: `python -m tests.load.semantic_cache`.

How often it would answer rightly and wrongly for pairs of messages written by hand, what the models cost, and what
finding the nearest vector costs. Takes about a minute. What is not installed is left out, and the program says how to
install it.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.load.semantic_cache import costs, nearest, quality
from tests.load.semantic_cache.embedders import INSTALL, MODELS, Model
from tests.load.semantic_cache.pairs import Pair, read_all

_PARTS = ("quality", "costs", "nearest")


def main() -> None:
    """Measure and print; write JSON when asked to."""
    options = _options()
    if options.cost_of:
        print(json.dumps(costs.cost_of(options.cost_of)))
        return
    results: dict[str, Any] = {}
    if "quality" in options.parts:
        results["quality"] = _quality()
    if "costs" in options.parts:
        results["costs"] = _costs()
    if "nearest" in options.parts:
        results["nearest"] = _nearest()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load.semantic_cache", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", default=_PARTS, help=f"what to measure, of {', '.join(_PARTS)}; all if none"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file, too")
    parser.add_argument("--cost-of", metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return options


def _installed() -> list[Model]:
    installed = []
    for model in MODELS:
        if missing := model.missing():
            print(f"{model.name} is left out: {', '.join(missing)} not installed. To install: {INSTALL}")
        else:
            installed.append(model)
    return installed


def _quality() -> dict[str, Any]:
    pairs = read_all()
    results: dict[str, Any] = {"pairs": len(pairs), "without_model": {}, "models": {}}
    for fresh in (False, True):
        score = quality.without_model(pairs, fresh=fresh)
        results["without_model"][_name(fresh=fresh)] = asdict(score)
        print(f"\n{_name(fresh=fresh)}\n{quality.HEADING}\n{score.row()}")
    for model in _installed():
        results["models"][model.name] = _quality_of(model, pairs)
    return results


def _quality_of(model: Model, pairs: Sequence[Pair]) -> dict[str, Any]:
    judged = quality.judge(pairs, model.load())
    results: dict[str, Any] = {}
    for fresh in (False, True):
        scores = quality.sweep(judged, fresh=fresh)
        results[_name(fresh=fresh)] = list(map(asdict, scores))
        print(f"\n{model.name}, {_name(fresh=fresh)}\n{quality.HEADING}", *(score.row() for score in scores), sep="\n")
    results["guards"] = quality.each_guard(judged)
    results["wrong"] = quality.false_hits(judged)
    print(f"\n{model.name}: refused by each guard alone, of the pairs above {quality.THRESHOLDS[0]}")
    for guard in results["guards"]:
        print(f"{guard['guard']:<26} paraphrases {guard['paraphrases_refused']:>8}", end="")
        print(f"   near misses {guard['near_misses_refused']:>8}")
    print(f"\n{model.name}: wrong at {quality.DEFAULT_THRESHOLD} in spite of the guards")
    for wrong in results["wrong"]["past_the_guards"]:
        print(f"{wrong['similarity']:.3f} {wrong['category']:<10} {wrong['first'][-60:]} | {wrong['second'][-60:]}")
    return results


def _name(*, fresh: bool) -> str:
    return "fresh pairs" if fresh else "pairs that the guards were made with"


def _costs() -> dict[str, Any]:
    results = [costs.measure(model) for model in _installed()]
    print(
        f"\n{'model':<24} {'MiB':>7} {'load ms':>8} {'short ms':>9} {'long ms':>9} {'RSS MiB':>8}   (CPU, one thread)"
    )
    for cost in results:
        print(f"{cost['model']:<24} {cost['unzipped_mib']:>7} {cost['load_cpu_ms']:>8}", end="")
        print(f" {cost['short_cpu_ms']:>9} {cost['long_cpu_ms']:>9} {cost['memory_mib']:>8}")
    spelling = costs.spelling()
    print(f"\ncanonical form {spelling['canonical_us']} µs, facts {spelling['facts_us']} µs of CPU for a short message")
    return {"models": results, **spelling}


def _nearest() -> list[dict[str, Any]]:
    timings = asyncio.run(nearest.measure())
    print(f"\n{nearest.HEADING}", *(timing.row() for timing in timings), sep="\n")
    return list(map(asdict, timings))


if __name__ == "__main__":
    main()
