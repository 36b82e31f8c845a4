"""Frontiers of vectors, one a node, in a pool of rows that grows.

A frontier answers one question: is a vector covered by one kept before? In a label-setting search labels leave the
queue in lexicographic order, so the first objective need not be compared any more and rows have one column less than
there are objectives (dimensionality reduction: Pulido, Mandow, Pérez de la Cruz 2015). One column: the least value. Two
columns: a staircase, searched by halving. More: a list, the last row that covered something first.

Arrays of a set of frontiers: `place` int64 (n_nodes, 3): first row in the pool, rows used, rows free to use;
`pool` float64 (n_rows, n_columns), rows handed out up to `used[0]`.
"""

from __future__ import annotations

from karavan.kernels.cache import kernel

FIRST_ROOM = 4


@kernel
def is_covered(place, pool, v, width, factor, vector, offset):
    """Tell whether a row of node v is at most `factor` times `vector[offset:offset + width]` in every column."""
    if width == 1:
        return pool[v, 0] <= factor * vector[offset]
    return place[v, 1] > 0 and is_covered_by_rows(place, pool, v, width, factor, vector, offset)


@kernel
def is_covered_by_rows(place, pool, v, width, factor, vector, offset):
    """Answer for `is_covered` with two columns and more."""
    first = place[v, 0]
    n = place[v, 1]
    if width == 2:
        x = factor * vector[offset]
        low = first
        high = first + n
        while low < high:
            middle = (low + high) >> 1
            if pool[middle, 0] <= x:
                low = middle + 1
            else:
                high = middle
        return low > first and pool[low - 1, 1] <= factor * vector[offset + 1]
    for i in range(first, first + n):
        j = 0
        while j < width and pool[i, j] <= factor * vector[offset + j]:
            j += 1
        if j == width:
            if i > first:
                for c in range(width):
                    pool[first, c], pool[i, c] = pool[i, c], pool[first, c]
            return True
    return False


@kernel
def make_room(place, pool, used, v):
    """See that node v has a free row; the pool must have room for twice its rows and `FIRST_ROOM`."""
    first = place[v, 0]
    n = place[v, 1]
    if n < place[v, 2]:
        return
    for i in range(n):
        for c in range(pool.shape[1]):
            pool[used[0] + i, c] = pool[first + i, c]
    place[v, 0] = used[0]
    place[v, 2] = max(FIRST_ROOM, 2 * n)
    used[0] += place[v, 2]


@kernel
def add_row(place, pool, used, v, width, vector, offset):
    """Add a vector that no row of node v covers, drop the rows it covers. See `make_room`."""
    if width == 1:
        pool[v, 0] = vector[offset]
    else:
        add_to_rows(place, pool, used, v, width, vector, offset)


@kernel
def add_to_rows(place, pool, used, v, width, vector, offset):
    """Do what `add_row` says with two columns and more."""
    first = place[v, 0]
    n = place[v, 1]
    if width == 2:
        x = vector[offset]
        y = vector[offset + 1]
        low = first
        high = first + n
        while low < high:
            middle = (low + high) >> 1
            if pool[middle, 0] < x:
                low = middle + 1
            else:
                high = middle
        end = low
        while end < first + n and pool[end, 1] >= y:
            end += 1
        if end == low:
            at = low - first
            make_room(place, pool, used, v)
            first = place[v, 0]
            low = first + at
            for i in range(first + n, low, -1):
                pool[i, 0] = pool[i - 1, 0]
                pool[i, 1] = pool[i - 1, 1]
            place[v, 1] = n + 1
        elif end > low + 1:
            gap = end - low - 1
            for i in range(end, first + n):
                pool[i - gap, 0] = pool[i, 0]
                pool[i - gap, 1] = pool[i, 1]
            place[v, 1] = n - gap
        pool[low, 0] = x
        pool[low, 1] = y
        return
    kept = first
    for i in range(first, first + n):
        j = 0
        while j < width and vector[offset + j] <= pool[i, j]:
            j += 1
        if j < width:
            if kept < i:
                for c in range(width):
                    pool[kept, c] = pool[i, c]
            kept += 1
    place[v, 1] = kept - first
    make_room(place, pool, used, v)
    row = place[v, 0] + place[v, 1]
    for c in range(width):
        pool[row, c] = vector[offset + c]
    place[v, 1] += 1
