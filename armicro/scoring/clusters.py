"""Clusters of tumour cells, for rules that ask for a cluster and not for a share.

How many cells a cluster is short of, or beyond, is a question about the graph of neighbours, not about its
size alone: one cell read otherwise may join two clusters or part one. Gaining a cluster is answered exactly
for the clusters of up to five cells that rules ask for. Losing one is a hard problem in general; it is
answered exactly where few cells are enough, and by a proven lower bound beyond.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F32, I32, I64, Bool

SEARCH_DEPTH = 4
"""Up to so many cells, the fewest that part a cluster are searched for; 5 to this power tries at most."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Which tumour cells of a field are neighbours.

    Parameters
    ----------
    n : int
        Number of cells.
    pairs : ndarray of int64, (M, 2)
        Indices of neighbours, each pair once.
    """

    n: int
    pairs: I64

    @staticmethod
    def of(yx_um: F32, link_um: float) -> Neighbours:
        """Link the cells at `yx_um` (N, 2), µm, that are at most `link_um` apart."""
        if len(yx_um) < 2:
            return Neighbours(len(yx_um), np.zeros((0, 2), np.int64))
        pairs = cKDTree(yx_um.astype(np.float64)).query_pairs(link_um, output_type="ndarray")
        return Neighbours(len(yx_um), np.asarray(pairs, np.int64).reshape(-1, 2))

    def matrix(self) -> csr_array:
        """Return the symmetric adjacency, (N, N) of 0 and 1."""
        i, j = self.pairs.T
        ones = np.ones(2 * len(i), np.int64)
        return csr_array((ones, (np.r_[i, j], np.r_[j, i])), shape=(self.n, self.n))


def _components(cells: Neighbours, member: Bool) -> tuple[I32, I64]:
    """Label the clusters of the cells in `member`.

    Returns
    -------
    label : ndarray of int32, (N,)
        Cluster of each cell; -1 outside `member`.
    size : ndarray of int64, (C,)
        Cells in each cluster.
    """
    inside = np.flatnonzero(member)
    place = np.full(cells.n, -1, np.int64)
    place[inside] = np.arange(len(inside))
    pairs = place[cells.pairs]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    graph = csr_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(inside),) * 2)
    count, found = connected_components(graph, directed=False)
    label = np.full(cells.n, -1, np.int32)
    label[inside] = found
    return label, np.bincount(found, minlength=count).astype(np.int64)


def largest_cluster(cells: Neighbours, member: Bool) -> int:
    """Return the size of the largest cluster of the cells in `member` (N,); 0 where there are none."""
    if not member.any():
        return 0
    return int(_components(cells, member)[1].max())


def cells_to_gain(cells: Neighbours, member: Bool, k: int) -> int | None:
    """Return how many cells must join `member` for a cluster of `k` cells to arise.

    Parameters
    ----------
    cells : Neighbours
        The tumour cells of one field.
    member : ndarray of bool, (N,)
        Those of the grade or better.
    k : int
        Size of cluster asked for, 2 to 5.

    Returns
    -------
    int or None
        The fewest; 0 where there is such a cluster, None where no `k` cells are connected at all.

    Notes
    -----
    A new cluster holds k connected cells, at least one of them new. Let the largest cluster have c cells,
    among those where k cells are connected at all: k - c new cells are then always enough. Fewer are enough

    - one: if a cell's neighbouring clusters have k - 1 cells together;
    - two: if two cells that are neighbours, or neighbours of one cluster, touch k - 2 cells in clusters;
    - three, fewer only for k = 5 and c = 1: if two of the single cells are at most k - 1 steps apart.
    """
    whole, sizes = _components(cells, np.ones(cells.n, np.bool_))
    roomy = sizes[whole] >= k if cells.n else np.zeros(0, np.bool_)
    if not roomy.any():
        return None
    # Where fewer than k cells are connected no cluster can arise; those cells play no part.
    here = member & roomy
    if not here.any():
        return k
    label, size = _components(cells, here)
    most = k - int(size.max())
    if most <= 0:
        return 0
    outside = roomy & ~here
    if most > 1 and _one_joins(cells, label, size, outside, k):
        return 1
    if most > 2 and _two_join(cells, label, size, outside, k):
        return 2
    if most > 3 and _singles_near(cells, here, k - 1):
        return 3
    return most


def _touches(cells: Neighbours, label: I32, n_clusters: int, outside: Bool) -> csr_array:
    """Return which clusters each cell outside touches: (N, C) of 0 and 1."""
    both = np.concatenate([cells.pairs, cells.pairs[:, ::-1]])
    both = both[outside[both[:, 0]] & (label[both[:, 1]] >= 0)]
    flat = np.unique(both[:, 0] * n_clusters + label[both[:, 1]])
    ones = np.ones(len(flat), np.int64)
    return csr_array((ones, (flat // n_clusters, flat % n_clusters)), shape=(cells.n, n_clusters))


def _one_joins(cells: Neighbours, label: I32, size: I64, outside: Bool, k: int) -> bool:
    gathered = _touches(cells, label, len(size), outside) @ size
    return bool((gathered >= k - 1).any())


def _two_join(cells: Neighbours, label: I32, size: I64, outside: Bool, k: int) -> bool:
    touch = _touches(cells, label, len(size), outside)
    gathered = touch @ size
    weighed = csr_array((size[touch.indices], touch.indices, touch.indptr), shape=touch.shape)
    shared = csr_array(weighed @ touch.T)
    pairs = cells.pairs[outside[cells.pairs].all(axis=1)]
    linked = csr_array((np.ones(len(pairs), np.int64), (pairs[:, 0], pairs[:, 1])), shape=(cells.n,) * 2)
    # What two cells have in common must not be counted twice.
    either = (linked + shared.astype(bool).astype(np.int64)).tocoo()
    i, j = either.row, either.col
    keep = i != j
    i, j = i[keep], j[keep]
    common = np.asarray(shared[i, j]).ravel() if len(i) else np.zeros(0, np.int64)
    return bool((gathered[i] + gathered[j] - common >= k - 2).any())


def _singles_near(cells: Neighbours, here: Bool, steps: int) -> bool:
    """Return whether two of the cells in `here` are at most `steps` neighbours apart."""
    sources = np.flatnonzero(here)
    if len(sources) < 2:
        return False
    # The nearest two sources meet on a pair of neighbours that are nearest to different sources.
    away, _, nearest = dijkstra(
        cells.matrix(), unweighted=True, indices=sources, min_only=True, return_predecessors=True, limit=steps
    )
    i, j = cells.pairs.T
    apart = (nearest[i] != nearest[j]) & (nearest[i] >= 0) & (nearest[j] >= 0)
    return bool((away[i] + away[j] + 1 <= steps)[apart].any())


def cells_to_lose(cells: Neighbours, member: Bool, k: int) -> tuple[int, bool]:
    """Return how many cells must leave `member` for no cluster of `k` cells to remain.

    Parameters
    ----------
    cells, member, k
        As for `cells_to_gain`.

    Returns
    -------
    number : int
        The fewest, or a number that is proven to be at most the fewest.
    exact : bool
        Whether it is the fewest.

    Notes
    -----
    Of every k connected cells one must leave. Disjoint groups of k therefore give a lower bound; up to
    `SEARCH_DEPTH` cells, trying each cell of one group in turn finds the fewest. A cluster of s cells never
    needs more than s - k + 1.
    """
    label, size = _components(cells, member)
    near: dict[int, set[int]] = {int(i): set() for i in np.flatnonzero(member)}
    for i, j in cells.pairs[(member[cells.pairs]).all(axis=1)].tolist():
        near[i].add(j)
        near[j].add(i)
    clusters = [frozenset(np.flatnonzero(label == c).tolist()) for c in np.flatnonzero(size >= k)]
    bounds = [sum(1 for _ in _groups(near, inside, k)) for inside in clusters]
    uppers = [len(inside) - k + 1 for inside in clusters]
    if sum(bounds) > SEARCH_DEPTH:
        return sum(bounds), bounds == uppers
    for n, inside in enumerate(clusters):
        while bounds[n] < min(uppers[n], SEARCH_DEPTH + 1) and not _parts(near, inside, k, bounds[n]):
            bounds[n] += 1
    exact = all(b == u or b <= SEARCH_DEPTH for b, u in zip(bounds, uppers, strict=True))
    return sum(bounds), exact


def _groups(near: dict[int, set[int]], inside: frozenset[int], k: int) -> Iterator[list[int]]:
    """Yield disjoint groups of k connected cells of `inside`, until none is left."""
    left = set(inside)
    for start in sorted(inside):
        if start not in left:
            continue
        found, seen = [start], {start}
        for cell in found:
            for other in sorted((near[cell] & left) - seen)[: k - len(found)]:
                found.append(other)
                seen.add(other)
        # Fewer than k: the whole rest of this cluster was seen, and no group can hold any of it.
        left -= seen
        if len(found) == k:
            yield found


def _parts(near: dict[int, set[int]], inside: frozenset[int], k: int, leave: int) -> bool:
    """Return whether `leave` cells can be taken from `inside` so that no k connected cells remain."""
    groups = list(islice(_groups(near, inside, k), leave + 1))
    if not groups:
        return True
    if len(groups) > leave:
        return False
    return any(_parts(near, inside - {cell}, k, leave - 1) for cell in groups[0])
