"""What evidence of likeness weighs, by logistic regression: ``python -m bench.problems.fitting``.

The sets on which the detection is tuned come from several writers. For each of them the weights are found on the sets
of the others, and measured on theirs: that is what to expect of a writer who is unknown, as far as the weights go; the
list of meanings has seen them all. The weights at the end are those of all sets together, which belong into
``app/problems/alike/likeness.py``. Each set counts the same, however many tickets it has.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from math import exp, sqrt
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg

from app.core.db.engine import make_engine
from app.core.db.session import make_sessions, transaction
from app.core.signals import WakeUps
from app.core.text.folding import folded
from app.problems.alike.evidence import common_of, group_evidence, pair_evidence
from app.problems.alike.grouping import grouped
from app.problems.alike.incidents import Group, Incident
from app.problems.alike.likeness import NEWEST, Model, likeness, may_be_one
from app.problems.alike.reading import may_say_nothing, terms_of
from app.problems.alike.weights import Weights
from app.problems.background.detection import READ, TELLING
from app.problems.background.solving import Solved, asked_by, look
from bench import known, servers, texts
from bench.problems import TUNING, scored

_DAY: Final = 24 * 60
_BEFORE: Final = 1440
"""Minutes before a group began, of whose tickets it is tried which belong to it."""
_POOL: Final = 300
"""Tickets by which it is told whether more are opened than usual."""
_PACE: Final = -0.7
"""What it weighs, at least, that a ticket came long after the last member, as members follow each other: the sets have
few tickets that it tells apart, and in service there are many."""
_SIZES: Final = (3, 4, 5, 7, 10, 14)
_RIDGE: Final = 10.0
_STEPS: Final = 12
Row: TypeAlias = tuple[Mapping[str, float], bool]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A ticket of a set, with the incident that it reports."""

    incident: Incident
    label: str | None


def main() -> None:
    """Print what each writer's set gives with the weights of the others, and the weights of all."""
    sets = read(TUNING)
    for name, own in sets.items():
        model = fitted([tickets for other, tickets in sets.items() if other != name])
        print("{:16} precision {:.3f}, recall {:.3f} by the others' weights".format(name, *measured(own, model)))
    model = fitted(list(sets.values()))
    for name, own in sets.items():
        print("{:16} precision {:.3f}, recall {:.3f} by the weights of all".format(name, *measured(own, model)))
    print({name: round(weight, 2) for name, weight in model.pair.items()})
    print({name: round(weight, 2) for name, weight in model.group.items()})


def read(paths: Sequence[Path]) -> dict[str, list[Labelled]]:
    """The tickets of these sets by their minutes."""
    lines = {f"{path.parent.name}/{path.stem}": texts.read(path) for path in paths}
    with servers.database() as url:
        with servers.service(url, HELIODESK_BACKGROUND="false") as port:
            asyncio.run(known.publish(port))
        solving, telling = asyncio.run(_looked_up(url, [line for own in lines.values() for line in own]))
    return {
        name: [_labelled(line, solving, telling) for line in sorted(own, key=lambda each: each["minute"])]
        for name, own in lines.items()
    }


async def _looked_up(url: str, lines: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Solved], set[str]]:
    """What articles say of tickets that may have one, by their ids, and the words of all tickets that say something."""
    texts = [line[part] for line in lines for part in ("title", "description")]
    words = {word for text in texts for term, word in terms_of(text).items() if may_say_nothing(term)}
    engine = make_engine(url, pool_size=1)
    solving: dict[str, Solved] = {}
    async with transaction(make_sessions(engine, WakeUps())) as session:
        for line in lines:
            if "article" in line:
                asked = (line["title"], line["description"][:READ], line["product"], line["language"])
                solving[line["id"]] = await look(session, asked_by(*asked))
    await engine.dispose()
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(TELLING, list(words))
    await connection.close()
    return solving, {row["word"] for row in rows}


def _labelled(line: Mapping[str, Any], solving: Mapping[str, Solved], telling: set[str]) -> Labelled:
    title, whole = (
        frozenset(term for term, word in terms_of(text[:READ]).items() if word in telling or not may_say_nothing(term))
        for text in (line["title"], line["description"])
    )
    found = solving.get(line["id"], Solved())
    texts = (folded(line["product"] or ""), line["minute"], title, title | whole)
    return Labelled(Incident(line["id"], *texts, found.solutions, found.supposed), line.get("incident"))


def measured(tickets: Sequence[Labelled], model: Model) -> tuple[float, float]:
    """Precision and recall by pairs, of what is found minute by minute."""
    groups, free = list[Group](), list[Incident]()
    weights = _weights(tickets)
    for until, batch in _minutes(tickets):
        new = [each.incident for each in batch]
        oldest = until[-1].incident.minute - _DAY
        free = [each for each in free if each.minute >= oldest] + new
        live = [group for group in groups if group.members[-1].minute >= oldest]
        for group in grouped(live, free, [each.ticket_id for each in new], weights[len(until) - 1], model):
            if group not in live:
                groups.append(group)
        taken = {member.ticket_id for group in groups for member in group.members}
        free = [each for each in free if each.ticket_id not in taken]
    found = [[member.ticket_id for member in group.members] for group in groups]
    return scored(found, {each.incident.ticket_id: each.label for each in tickets})


def _minutes(tickets: Sequence[Labelled]) -> Iterator[tuple[Sequence[Labelled], Sequence[Labelled]]]:
    """Each minute's tickets, and all until then."""
    done = 0
    for _, batch in groupby(tickets, key=lambda each: each.incident.minute):
        new = list(batch)
        done += len(new)
        yield tickets[:done], new


def _weights(tickets: Sequence[Labelled]) -> list[Weights]:
    """What terms weigh as each of the tickets comes."""
    counts, weights = Counter[str](), list[Weights]()
    for number, each in enumerate(tickets, 1):
        counts.update(each.incident.terms)
        oldest = each.incident.minute - _DAY
        before = (one.incident for one in tickets[max(0, number - _POOL) : number])
        opened = [(one.minute, one.product) for one in before if one.minute > oldest]
        weights.append(Weights(number, dict(counts), opened))
    return weights


def fitted(sets: Sequence[Sequence[Labelled]]) -> Model:
    """The weights that explain these sets best."""
    pair = _regression([list(_pairs(tickets)) for tickets in sets])
    model = Model(pair, {})
    group = _regression([list(_members(tickets, model)) for tickets in sets])
    return Model(pair, group | {"pace": min(group["pace"], _PACE)})


def _pairs(tickets: Sequence[Labelled]) -> Iterator[Row]:
    for place, weights in enumerate(_weights(tickets)):
        one = tickets[place]
        for other in tickets[:place]:
            if one.incident.minute - other.incident.minute > _DAY or not may_be_one(one.incident, other.incident):
                continue
            same = one.label is not None and one.label == other.label
            yield pair_evidence(one.incident, other.incident, weights), same


def _members(tickets: Sequence[Labelled], model: Model) -> Iterator[Row]:
    """Groups of the first tickets of each incident, with each ticket that may belong to them."""
    by_label = defaultdict(list)
    weights = _weights(tickets)
    for place, each in enumerate(tickets):
        if each.label is not None:
            by_label[each.label].append(place)
    for label, places in by_label.items():
        for size in _SIZES:
            if size < len(places):
                first = [tickets[place].incident for place in places[:size]]
                yield from _of_group(tickets, first, label, weights, model)


def _of_group(
    tickets: Sequence[Labelled], first: Sequence[Incident], label: str, weights: Sequence[Weights], model: Model
) -> Iterator[Row]:
    members = first[-NEWEST:]
    known = {member.ticket_id for member in first}
    for place, each in enumerate(tickets):
        one = each.incident
        near_in_time = -_BEFORE <= one.minute - members[-1].minute <= _DAY
        if one.ticket_id in known or not near_in_time:
            continue
        near = [likeness(one, member, weights[place], model) for member in members]
        common = common_of(members, weights[place])
        yield group_evidence(one, common, near, weights[place]), each.label == label


def _regression(sets: Sequence[Sequence[Row]]) -> dict[str, float]:
    """The weights of a logistic regression with a ridge penalty, found by Newton's method."""
    names = list(sets[0][0][0])
    rows = [[evidence[name] for name in names] for rows in sets for evidence, _ in rows]
    wanted = [float(same) for rows in sets for _, same in rows]
    counts = [1 / len(rows) for rows in sets for _ in rows]
    scale = len(counts) / sum(counts)
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    spreads = [
        sqrt(sum((value - mean) ** 2 for value in column) / len(rows)) or 1.0
        for mean, column in zip(means, zip(*rows, strict=True), strict=True)
    ]
    scaled = [[1.0, *((v - m) / s for v, m, s in zip(row, means, spreads, strict=True))] for row in rows]
    found = _newton(scaled, wanted, [count * scale for count in counts])
    weights = {name: found[n + 1] / spreads[n] for n, name in enumerate(names)}
    return {"always": found[0] - sum(weights[name] * means[n] for n, name in enumerate(names))} | weights


def _newton(rows: Sequence[Sequence[float]], wanted: Sequence[float], counts: Sequence[float]) -> list[float]:
    size = len(rows[0])
    found = [0.0] * size
    for _ in range(_STEPS):
        slope = [0.0] + [-_RIDGE * weight for weight in found[1:]]
        bend = [[_RIDGE * (row == column and row > 0) for column in range(size)] for row in range(size)]
        for row, value, count in zip(rows, wanted, counts, strict=True):
            odds = sum(weight * each for weight, each in zip(found, row, strict=True))
            likely = 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
            push, pull = count * (value - likely), count * likely * (1 - likely)
            for n, each in enumerate(row):
                slope[n] += push * each
                line, factor = bend[n], pull * each
                for m in range(n + 1):
                    line[m] += factor * row[m]
        for n, m in combinations(range(size), 2):
            bend[n][m] = bend[m][n]
        found = [weight + step for weight, step in zip(found, _solved(bend, slope), strict=True)]
    return found


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of linear equations whose matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for n, pivot in enumerate(rows):
        for other in rows[:n] + rows[n + 1 :]:
            factor = other[n] / pivot[n]
            other[:] = [value - factor * of_pivot for value, of_pivot in zip(other, pivot, strict=True)]
    return [row[-1] / row[n] for n, row in enumerate(rows)]


if __name__ == "__main__":
    main()
