"""A shape in a room, drawn by analytic ray casting: the images of 3D Shapes.

Which pixels show floor, wall and object, and how brightly they are lit, follows from shape, scale
and orientation alone: 480 views, cast once. The three hues only colour them, so an image is a
weighted sum of three colours, and all 480,000 are drawn on demand.

Lengths are in units of the half side of the room's floor; z is up, and the object stands at 0.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets._cache import cached
from unbraid.datasets._factored import resized

Floats = NDArray[np.float64]

SHAPES = ("cube", "cylinder", "sphere", "capsule")
SCALES = np.linspace(0.75, 1.25, 8)
ORIENTATIONS = np.linspace(-30, 30, 15)  # degrees that the camera is turned about the object
HUES = np.linspace(0, 0.9, 10)

VERSION = 1  # of what is drawn
SIDE = 64
SAMPLES = 3  # rays a pixel, along each side
RADIUS = 0.25  # of the object at scale 1: half of its width
TALL = 1.3  # height of a cylinder and a capsule, in widths
DISTANCE, HEIGHT = 1.75, 0.85  # of the camera from the object's axis, and above the floor
TARGET = 0.3  # height that it looks at
VIEW = np.tan(np.radians(20))  # of half the angle that it sees
LIGHT = np.array([0.35, -0.55, 0.76])  # where light comes from, in the room
AMBIENT = 0.35  # light that reaches what is turned away or in shadow

NEAR = 1e-6


def rays(orientation: float, side: int) -> tuple[Floats, Floats]:
    """Return the camera's place (3,) and the directions of side x side rays, (side * side, 3)."""
    turn = np.radians(orientation)
    place = np.array([np.sin(turn) * DISTANCE, -np.cos(turn) * DISTANCE, HEIGHT])
    forward = np.array([0, 0, TARGET]) - place
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    steps = ((np.arange(side) + 0.5) / side * 2 - 1) * VIEW
    down, across = np.meshgrid(steps, steps, indexing="ij")
    directions = forward + across[..., None] * right - down[..., None] * up
    return place, directions.reshape(-1, 3)


def quadratic(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return the smaller root of a t^2 + 2 b t + c, infinite where there is none ahead."""
    inside = b * b - a * c
    root = (-b - np.sqrt(np.maximum(inside, 0))) / np.maximum(a, 1e-12)
    return np.where((inside > 0) & (root > NEAR) & (a > 1e-12), root, np.inf)


def sphere(start: Floats, way: Floats, radius: float, height: float) -> tuple[Floats, Floats]:
    """Return how far rays go to a sphere about (0, 0, height), (N,), and its normals, (N, 3)."""
    away = start - np.array([0, 0, height])
    far = quadratic((way**2).sum(1), (away * way).sum(1), (away**2).sum(-1) - radius**2)
    return far, (away + np.where(np.isfinite(far), far, 0)[:, None] * way) / radius


def tube(
    start: Floats, way: Floats, radius: float, low: float, high: float
) -> tuple[Floats, Floats]:
    """Return the same of the side of an upright cylinder between two heights."""
    flat, away = way[:, :2], np.broadcast_to(start, way.shape)[:, :2]
    far = quadratic((flat**2).sum(1), (away * flat).sum(1), (away**2).sum(1) - radius**2)
    place = start + np.where(np.isfinite(far), far, 0)[:, None] * way
    far = np.where((place[:, 2] >= low) & (place[:, 2] <= high), far, np.inf)
    return far, place * np.array([1, 1, 0]) / radius


def lid(start: Floats, way: Floats, radius: float, height: float) -> tuple[Floats, Floats]:
    """Return the same of a level disc."""
    far = plane(start, way, 2, height)
    place = start + np.where(np.isfinite(far), far, 0)[:, None] * way
    far = np.where((place[:, :2] ** 2).sum(1) <= radius**2, far, np.inf)
    return far, np.broadcast_to(np.array([0.0, 0, 1]), way.shape)


def box(start: Floats, way: Floats, half: float, high: float) -> tuple[Floats, Floats]:
    """Return the same of an upright box on the floor."""
    corner = np.array([half, half, high / 2])
    middle = np.array([0, 0, high / 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = ((middle + s * corner - start) / way for s in (-1, 1))
    enter, leave = np.minimum(one, two), np.maximum(one, two)
    far, end = enter.max(1), leave.min(1)
    far = np.where((far < end) & (far > NEAR), far, np.inf)
    face = np.eye(3)[enter.argmax(1)]
    return far, -np.sign(way) * face


def plane(start: Floats, way: Floats, axis: int, value: float) -> Floats:
    """Return how far rays go to a plane at a value of an axis, infinite if away from it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = (value - np.broadcast_to(start, way.shape)[:, axis]) / way[:, axis]
    return np.where(far > NEAR, far, np.inf)


def thing(shape: str, scale: float, start: Floats, way: Floats) -> tuple[Floats, Floats]:
    """Return how far rays go to the object, (N,), infinite if past it, and its normals, (N, 3).

    Args:
        shape: one of SHAPES.
        scale: its size.
        start: where rays start, (3,) or (N, 3).
        way: their directions, (N, 3).
    """
    radius = RADIUS * scale
    if shape == "cube":
        return box(start, way, radius, 2 * radius)
    if shape == "sphere":
        return sphere(start, way, radius, radius)
    high = 2 * radius * TALL
    if shape == "cylinder":
        parts = [tube(start, way, radius, 0, high), lid(start, way, radius, high)]
    else:
        parts = [
            tube(start, way, radius, radius, high - radius),
            sphere(start, way, radius, radius),
            sphere(start, way, radius, high - radius),
        ]
    far = np.stack([part[0] for part in parts])
    nearest = far.argmin(0)
    normals = np.stack([np.broadcast_to(part[1], way.shape) for part in parts])
    rows = np.arange(len(way))
    return far[nearest, rows], normals[nearest, rows]


def passing(way: Floats, centre: Floats, distance: float) -> NDArray[np.bool_]:
    """Return which rays (N, 3) from the origin pass a centre (3,) within a distance, (N,)."""
    off = np.cross(way, centre)
    passed: NDArray[np.bool_] = (off**2).sum(1) <= distance**2 * (way**2).sum(1)
    return passed


def lit(normals: Floats) -> Floats:
    """Return the light of surfaces (N, 3) that nothing shades, AMBIENT to 1."""
    toward = normals @ (LIGHT / np.linalg.norm(LIGHT))
    light: Floats = AMBIENT + (1 - AMBIENT) * np.clip(toward, 0, 1)
    return light


@dataclass(frozen=True)
class Room:
    """The empty room as the camera sees it, ray by ray.

    Args:
        start: place of the camera, (3,).
        way: directions of rays, (N, 3).
        far: how far they go to the floor and to the walls, (2, N).
        light: of what they meet there, (2, N).
    """

    start: Floats
    way: Floats
    far: Floats
    light: Floats


@lru_cache(1)
def room(orientation: float, side: int) -> Room:
    """Return what side x side rays see of the room without the object."""
    start, way = rays(orientation, side)
    far = np.full((2, len(way)), np.inf)
    light = np.full_like(far, lit(np.array([[0.0, 0, 1]]))[0])
    far[0] = plane(start, way, 2, 0.0)
    for axis, value in np.ndindex(2, 2):
        outward = 2 * value - 1  # a wall that a ray comes to from behind is not in the way
        to_wall = plane(start, way, axis, outward)
        nearer = (way[:, axis] * outward > 0) & (to_wall < far[1])
        facing = np.zeros((1, 3))
        facing[0, axis] = -outward
        far[1, nearer], light[1, nearer] = to_wall[nearer], lit(facing)[0]
    return Room(start, way, far, light)


def view(shape: str, scale: float, orientation: float, side: int = SIDE) -> Floats:
    """Return how brightly floor, wall and object are seen, (3, side, side) on [0, 1].

    A pixel's three numbers are 0 but for what it shows; at edges they are shares.
    """
    empty, radius = room(orientation, side * SAMPLES), RADIUS * scale
    start, way = empty.start, empty.way
    far = np.vstack([empty.far, np.full(len(way), np.inf)])
    light = np.vstack([empty.light, np.zeros(len(way))])
    near = passing(way, np.array([0, 0, radius * TALL]) - start, 2.2 * radius)
    far[2, near], normals = thing(shape, scale, start, way[near])
    light[2, near] = lit(normals)
    seen = far.argmin(0)
    floor = np.flatnonzero(seen == 0)
    below = start + far[0, floor, None] * way[floor]
    close = np.hypot(below[:, 0], below[:, 1]) < 4 * radius  # no shadow is longer
    toward = np.broadcast_to(LIGHT, (int(close.sum()), 3))
    hidden = np.isfinite(thing(shape, scale, below[close] + NEAR * LIGHT, toward)[0])
    light[0, floor[close][hidden]] = AMBIENT
    light *= seen == np.arange(3)[:, None]
    shares: Floats = light.reshape(3, side, SAMPLES, side, SAMPLES).mean((2, 4))
    return shares


@cache
def views(side: int) -> NDArray[np.uint8]:
    """Return all views, (scales, shapes, orientations, 3, side, side), 255 being fully lit."""
    if side != SIDE:
        return resized(views(SIDE), side)
    return cached(f"shapes3d-views-{VERSION}", _cast)


def _cast() -> NDArray[np.uint8]:
    found = np.empty((len(SCALES), len(SHAPES), len(ORIENTATIONS), 3, SIDE, SIDE), np.uint8)
    for k, j, i in np.ndindex(found.shape[2::-1]):  # one room after the other
        found[i, j, k] = np.rint(255 * view(SHAPES[j], float(SCALES[i]), float(ORIENTATIONS[k])))
    return found


def colours() -> NDArray[np.float32]:
    """Return the colours of the hues, (10, 3) on [0, 1]."""
    return np.array([colorsys.hsv_to_rgb(hue, 1, 1) for hue in HUES], np.float32)


def draw(factors: NDArray[Any], side: int = SIDE) -> NDArray[np.uint8]:
    """Return images uint8 (N, 3, side, side) of factor indices (N, 6), in published order.

    >>> draw(np.zeros((2, 6), int), 32).shape
    (2, 3, 32, 32)
    """
    hues, kinds = factors[:, :3], factors[:, 3:]
    light = views(side)[tuple(kinds.T)].reshape(len(factors), 3, side * side)
    # (N, colour channels, parts) @ (N, parts, pixels)
    images = colours()[hues].transpose(0, 2, 1) @ light.astype(np.float32)
    drawn: NDArray[np.uint8] = np.rint(images).astype(np.uint8)
    return drawn.reshape(len(factors), 3, side, side)
