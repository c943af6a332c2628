"""Charts as PNG: 1440 by 800 pixels, two for each point."""

from io import BytesIO

from PIL import Image, ImageDraw

from llmo_documents.charts.layout import drawing_of
from llmo_documents.charts.models import Anchor, Chart, Dot, Drawing, Path, Rectangle, Text
from llmo_documents.fonts import image_font

_SCALE = 2
_FINER = 2  # shapes are drawn this much larger, and made smaller: their edges become smooth
_ANCHORS = {Anchor.LEFT: "lm", Anchor.MIDDLE: "mm", Anchor.RIGHT: "rm"}


def png_of(chart: Chart) -> bytes:
    """A chart, the same bytes whenever it is made with the same libraries."""
    drawing = drawing_of(chart)
    image = _shapes(drawing)
    draw = ImageDraw.Draw(image)
    for mark in drawing.marks:
        if isinstance(mark, Text):
            font = image_font(mark.size * _SCALE, bold=mark.bold)
            at = (mark.at[0] * _SCALE, mark.at[1] * _SCALE)
            draw.text(at, mark.text, fill=mark.color, font=font, anchor=_ANCHORS[mark.anchor])
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _shapes(drawing: Drawing) -> Image.Image:
    scale = _SCALE * _FINER
    size = (round(drawing.width * scale), round(drawing.height * scale))
    image = Image.new("RGB", size, (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for mark in drawing.marks:
        match mark:
            case Rectangle(at=(x, y)):
                end = ((x + mark.width) * scale, (y + mark.height) * scale)
                draw.rectangle(((x * scale, y * scale), end), fill=mark.color)
            case Path():
                points = [(x * scale, y * scale) for x, y in mark.points]
                draw.line(points, fill=mark.color, width=max(1, round(mark.width * scale)), joint="curve")
            case Dot(at=(x, y)):
                draw.circle((x * scale, y * scale), mark.radius * scale, fill=mark.color)
            case Text():
                pass
    return image.resize((size[0] // _FINER, size[1] // _FINER), Image.Resampling.BOX)
