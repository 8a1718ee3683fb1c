"""Grids of grey images, each pixel an exact number of dots wide."""

from __future__ import annotations

import numpy as np

from report_drawing import PAGE_INCHES, PNG_DPI, Drawing, finish, new_figure, wrapped
from report_files import DataFolder, InputError, Record
from report_panels import Grid, columns_of

GAP = 2    # dots of the PNG between two images of a grid: one pixel of the page


def draw_images(figure: Record, data: DataFolder) -> Drawing:
    """Grids of grey images, each image an exact number of dots wide."""
    columns = columns_of(figure)
    panels = figure.records("panels")
    stacks, shapes, notes = [], [], []
    for panel in panels:
        images, shape = data.images(panel.text("file")), panel.array("grid")
        if len(shape) != 2 or not all(isinstance(k, int) and not isinstance(k, bool) and 1 <= k <= 200 for k in shape):
            raise InputError(f"{panel.where}: the grid should be [rows, columns], each from 1 to 200, but is {shape}")
        room = shape[0] * shape[1]
        name = f"“{panel.text('title')}”" if panel.has("title") else f"panel {len(stacks) + 1}"
        if len(images) != room:
            more = len(images) > room
            notes.append(f"{name} shows the first {room} of {len(images)} images." if more else f"{name} has {len(images)} images for {room} places.")
        stacks.append(images[:room])
        shapes.append(shape)
    room = int(((PAGE_INCHES - 0.15) / columns - 0.12) * PNG_DPI)
    scale = max(1, min(16, min((room - GAP * (s[1] - 1)) // (s[1] * images.shape[2]) for images, s in zip(stacks, shapes))))
    mosaics = [mosaic(images, shape, scale) for images, shape in zip(stacks, shapes)]
    width, height = max(PNG_DPI, *(m.shape[1] for m in mosaics)) / PNG_DPI, max(m.shape[0] for m in mosaics) / PNG_DPI
    titles = [wrapped(panel.text("title", ""), width) for panel in panels]
    grid = Grid(len(panels), columns, width, height, left=0.12, below=0.1, above=0.14 + 0.18 * max(t.count("\n") + 1 if t else 0 for t in titles))
    drawing = new_figure(*(round(length * PNG_DPI) / PNG_DPI for length in grid.size))
    total = [round(length * PNG_DPI) for length in grid.size]
    placed = []
    for k, picture in enumerate(mosaics):
        left, bottom, _, panel_height = grid.place(k)
        left, top = round(left * grid.size[0] * PNG_DPI), total[1] - round((bottom + panel_height) * grid.size[1] * PNG_DPI)
        placed.append((top, left, picture))
        rows, wide = picture.shape
        axes = drawing.add_axes([left / total[0], (total[1] - top - rows) / total[1], wide / total[0], rows / total[1]])
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
        axes.set_axis_off()
        axes.set_title(titles[k], fontsize=10)
    return finish(drawing, as_png=True, notes=notes, mosaics=placed)


def mosaic(images: np.ndarray, shape: list[int], scale: int) -> np.ndarray:
    """The images side by side, each pixel `scale` dots wide, on white, GAP dots apart."""
    height, width = images.shape[1] * scale + GAP, images.shape[2] * scale + GAP
    picture = np.full((shape[0] * height - GAP, shape[1] * width - GAP), 255, dtype=np.uint8)
    for k, image in enumerate(images):
        top, left = (k // shape[1]) * height, (k % shape[1]) * width
        picture[top:top + height - GAP, left:left + width - GAP] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return picture
