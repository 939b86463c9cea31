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
LIGHT = np.array([0.35, -0.55, 0.76])  # direction of the light, in the room
AMBIENT = 0.35  # light of surfaces that are turned away or in shadow

NEAR = 1e-6


def rays(orientation: float, side: int) -> tuple[Floats, Floats]:
    """Return the camera's position (3,) and the directions of its rays, (side * side, 3)."""
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


def intersect_sphere(
    origin: Floats, directions: Floats, radius: float, height: float
) -> tuple[Floats, Floats]:
    """Return the distances of rays to a sphere at (0, 0, height), (N,), and normals, (N, 3)."""
    away = origin - np.array([0, 0, height])
    distance = quadratic(
        (directions**2).sum(1), (away * directions).sum(1), (away**2).sum(-1) - radius**2
    )
    return distance, (
        away + np.where(np.isfinite(distance), distance, 0)[:, None] * directions
    ) / radius


def cylinder_side(
    origin: Floats, directions: Floats, radius: float, low: float, high: float
) -> tuple[Floats, Floats]:
    """Return distances and normals of the side of an upright cylinder between two heights."""
    flat, away = directions[:, :2], np.broadcast_to(origin, directions.shape)[:, :2]
    distance = quadratic((flat**2).sum(1), (away * flat).sum(1), (away**2).sum(1) - radius**2)
    place = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * directions
    distance = np.where((place[:, 2] >= low) & (place[:, 2] <= high), distance, np.inf)
    return distance, place * np.array([1, 1, 0]) / radius


def disc(origin: Floats, directions: Floats, radius: float, height: float) -> tuple[Floats, Floats]:
    """Return distances and normals of a horizontal disc."""
    distance = intersect_plane(origin, directions, 2, height)
    place = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * directions
    distance = np.where((place[:, :2] ** 2).sum(1) <= radius**2, distance, np.inf)
    return distance, np.broadcast_to(np.array([0.0, 0, 1]), directions.shape)


def intersect_box(
    origin: Floats, directions: Floats, half: float, high: float
) -> tuple[Floats, Floats]:
    """Return distances and normals of an upright box on the floor."""
    corner = np.array([half, half, high / 2])
    middle = np.array([0, 0, high / 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = ((middle + s * corner - origin) / directions for s in (-1, 1))
    enter, leave = np.minimum(one, two), np.maximum(one, two)
    distance, end = enter.max(1), leave.min(1)
    distance = np.where((distance < end) & (distance > NEAR), distance, np.inf)
    face = np.eye(3)[enter.argmax(1)]
    return distance, -np.sign(directions) * face


def intersect_plane(origin: Floats, directions: Floats, axis: int, value: float) -> Floats:
    """Return the distances of rays to a plane at a value of an axis, infinite if away from it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (value - np.broadcast_to(origin, directions.shape)[:, axis]) / directions[
            :, axis
        ]
    return np.where(distance > NEAR, distance, np.inf)


def intersect_object(
    shape: str, scale: float, origin: Floats, directions: Floats
) -> tuple[Floats, Floats]:
    """Return the distances of rays to the object, (N,), infinite if past it, and normals, (N, 3).

    Args:
        shape: one of SHAPES.
        scale: its size.
        origin: of the rays, (3,) or (N, 3).
        directions: of the rays, (N, 3).
    """
    radius = RADIUS * scale
    if shape == "cube":
        return intersect_box(origin, directions, radius, 2 * radius)
    if shape == "sphere":
        return intersect_sphere(origin, directions, radius, radius)
    high = 2 * radius * TALL
    if shape == "cylinder":
        parts = [
            cylinder_side(origin, directions, radius, 0, high),
            disc(origin, directions, radius, high),
        ]
    else:
        parts = [
            cylinder_side(origin, directions, radius, radius, high - radius),
            intersect_sphere(origin, directions, radius, radius),
            intersect_sphere(origin, directions, radius, high - radius),
        ]
    distance = np.stack([part[0] for part in parts])
    nearest = distance.argmin(0)
    normals = np.stack([np.broadcast_to(part[1], directions.shape) for part in parts])
    rows = np.arange(len(directions))
    return distance[nearest, rows], normals[nearest, rows]


def rays_near(directions: Floats, centre: Floats, distance: float) -> NDArray[np.bool_]:
    """Return which rays (N, 3) from the origin pass a centre (3,) within a distance, (N,)."""
    off = np.cross(directions, centre)
    passed: NDArray[np.bool_] = (off**2).sum(1) <= distance**2 * (directions**2).sum(1)
    return passed


def shading(normals: Floats) -> Floats:
    """Return the light of surfaces with normals (N, 3) outside shadows, AMBIENT to 1."""
    toward = normals @ (LIGHT / np.linalg.norm(LIGHT))
    light: Floats = AMBIENT + (1 - AMBIENT) * np.clip(toward, 0, 1)
    return light


@dataclass(frozen=True)
class Room:
    """The empty room as the camera sees it, ray by ray.

    Args:
        origin: position of the camera, (3,).
        directions: directions of rays, (N, 3).
        distance: of the floor and of the walls along them, (2, N).
        light: of the surfaces there, (2, N).
    """

    origin: Floats
    directions: Floats
    distance: Floats
    light: Floats


@lru_cache(1)
def room(orientation: float, side: int) -> Room:
    """Return what side x side rays see of the room without the object."""
    origin, directions = rays(orientation, side)
    distance = np.full((2, len(directions)), np.inf)
    light = np.full_like(distance, shading(np.array([[0.0, 0, 1]]))[0])
    distance[0] = intersect_plane(origin, directions, 2, 0.0)
    for axis, value in np.ndindex(2, 2):
        outward = 2 * value - 1  # a wall seen from behind hides nothing
        to_wall = intersect_plane(origin, directions, axis, outward)
        nearer = (directions[:, axis] * outward > 0) & (to_wall < distance[1])
        facing = np.zeros((1, 3))
        facing[0, axis] = -outward
        distance[1, nearer], light[1, nearer] = to_wall[nearer], shading(facing)[0]
    return Room(origin, directions, distance, light)


def view(shape: str, scale: float, orientation: float, side: int = SIDE) -> Floats:
    """Return the brightness of floor, wall and object in each pixel, (3, side, side) on [0, 1].

    A pixel's three numbers are 0 but for what it shows; at edges they are shares.
    """
    empty, radius = room(orientation, side * SAMPLES), RADIUS * scale
    origin, directions = empty.origin, empty.directions
    distance = np.vstack([empty.distance, np.full(len(directions), np.inf)])
    light = np.vstack([empty.light, np.zeros(len(directions))])
    near = rays_near(directions, np.array([0, 0, radius * TALL]) - origin, 2.2 * radius)
    distance[2, near], normals = intersect_object(shape, scale, origin, directions[near])
    light[2, near] = shading(normals)
    seen = distance.argmin(0)
    floor = np.flatnonzero(seen == 0)
    below = origin + distance[0, floor, None] * directions[floor]
    close = np.hypot(below[:, 0], below[:, 1]) < 4 * radius  # no shadow is longer
    toward = np.broadcast_to(LIGHT, (int(close.sum()), 3))
    hidden = np.isfinite(intersect_object(shape, scale, below[close] + NEAR * LIGHT, toward)[0])
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
