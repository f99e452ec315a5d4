"""Which pieces an ordinary visit is made of, by its kind."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from simulation import blocks as b
from simulation import care
from simulation import charges as c
from simulation import orders as o
from simulation import prescriptions as p
from simulation import supply as s
from simulation.blocks import Block

REGISTER: Final = Block(b.register, 1)
ALLERGIES: Final = Block(b.state_allergies, 1)
CONDITION: Final = Block(b.record_condition, 1)
RESOLVED: Final = Block(b.resolve_condition, 2)
OBSERVE: Final = Block(b.observe, 1)
ARRIVE: Final = Block(b.arrive, 1)
TRANSFER: Final = Block(b.transfer, 1)
LEAVE: Final = Block(b.leave, 1)
CALL_OFF: Final = Block(b.call_off, 1)
CHARGE: Final = Block(c.charge, 1)
LATE_REFUND: Final = Block(c.refunded_next_day, 2)

Menu = Sequence[tuple[Block, float]]
TESTS: Final[Menu] = (
    (Block(o.test, 3), 0.74),
    (Block(care.acknowledged_test, 4), 0.08),
    (Block(o.corrected_test, 5), 0.06),
    (Block(o.cancelled_order, 2), 0.07),
    (Block(o.stopped_order, 3), 0.05),
)
PRESCRIPTIONS: Final[Menu] = (
    (Block(p.prescription, 3), 0.68),
    (Block(s.dispensed_prescription, 5), 0.12),
    (Block(s.returned_packs, 7), 0.02),
    (Block(p.amended_prescription, 4), 0.06),
    (Block(p.cancelled_prescription, 2), 0.05),
    (Block(p.returned_prescription, 3), 0.04),
    (Block(p.stopped_prescription, 2), 0.03),
)
CHARGES: Final[Menu] = (
    (CHARGE, 0.74),
    (Block(c.drafted_charge, 2), 0.07),
    (Block(c.refunded_charge, 2), 0.06),
    (Block(c.refunded_twice, 3), 0.02),
    (Block(c.amended_charge, 2), 0.05),
    (Block(c.cancelled_charge, 2), 0.03),
    (Block(c.mistaken_charge, 2), 0.01),
    (Block(c.abandoned_charge, 1), 0.02),
)
NOTES: Final[Menu] = ((Block(care.write_note, 1), 0.85), (Block(care.revised_note, 3), 0.15))
CONSULT: Final = Block(care.consult, 3)
OPERATE: Final = Block(care.operate, 5)
GIVE: Final = Block(care.give, 1)
INFECTION: Final = Block(care.report_infection, 2)
SUMMARISE: Final = Block(care.summarise, 1)
SETTLE: Final = Block(s.settle, 1)
SEND_ON: Final = Block(s.send_on, 1)


def pick(menu: Menu, rng: Random) -> Block:
    return rng.choices([block for block, _ in menu], [share for _, share in menu])[0]


def outpatient(rng: Random) -> list[Block]:
    if rng.random() < 0.03:
        return [REGISTER, ARRIVE, CALL_OFF]
    blocks = [REGISTER, ARRIVE, pick(CHARGES, rng), ALLERGIES, OBSERVE, CONDITION]
    if rng.random() < 0.55:
        blocks += [pick(TESTS, rng), pick(CHARGES, rng)]
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        blocks += [pick(PRESCRIPTIONS, rng), pick(CHARGES, rng)]
    if rng.random() < 0.3:
        blocks.append(pick(NOTES, rng))
    blocks.append(LEAVE)
    if rng.random() < 0.3:
        blocks.append(SETTLE)
    if rng.random() < 0.02:
        blocks.append(SEND_ON)
    return blocks


def emergency(rng: Random) -> list[Block]:
    blocks = [REGISTER, ARRIVE, ALLERGIES, OBSERVE, CONDITION]
    for _ in range(rng.choice((1, 1, 2))):
        blocks += [pick(TESTS, rng), pick(CHARGES, rng)]
    if rng.random() < 0.7:
        blocks += [pick(PRESCRIPTIONS, rng), pick(CHARGES, rng)]
    if rng.random() < 0.2:
        blocks[4] = RESOLVED
    if rng.random() < 0.05:
        blocks.append(INFECTION)
    if rng.random() < 0.3:
        blocks.append(pick(NOTES, rng))
    blocks.append(LEAVE)
    return blocks


def inpatient(rng: Random) -> list[Block]:
    """A day of a stay; it may begin or end on another day."""
    blocks = [REGISTER, ARRIVE, ALLERGIES, OBSERVE, CONDITION]
    for _ in range(rng.choice((1, 2, 2, 3))):
        blocks += [pick(TESTS, rng), OBSERVE]
    if rng.random() < 0.12:
        blocks.append(TRANSFER)
    blocks += [pick(NOTES, rng), GIVE]
    if rng.random() < 0.1:
        blocks.append(CONSULT)
    if rng.random() < 0.1:
        blocks.append(OPERATE)
    blocks += [pick(PRESCRIPTIONS, rng), pick(CHARGES, rng), pick(CHARGES, rng)]
    if rng.random() < 0.3:
        blocks += [LEAVE, SUMMARISE, SETTLE]
    return blocks


def yesterday(rng: Random) -> list[Block]:
    """A visit of the evening before, with a charge that is given back on the day."""
    return [REGISTER, ARRIVE, ALLERGIES, pick(PRESCRIPTIONS, rng), LATE_REFUND]


JOURNEYS: Final = {"outpatient": outpatient, "emergency": emergency, "inpatient": inpatient}
